// Encrypted footage: the verification code of this tab, the keys it opens, pictures and clips in the clear. Nothing of it outlives the tab.
import { api, noConnection, problemOf, seg } from './api.js';
import { tr } from './language.js';

// Those that were right, the last one first: clips of a box of before open with another one.
let codes = [];
const keys = new Map();
const pictures = new Map();

/** Whether a right code was entered in this tab. */
export const hasCode = () => codes.length > 0;

/** Why this browser cannot open encrypted footage here; null where it can. */
export function obstacle() {
  if (!isSecureContext) return tr`Encrypted clips can only be opened over a secure connection. Open this page with https:// in front of ${location.host}, or on the box itself by localhost.`;
  if (!window.MediaSource || !navigator.requestMediaKeySystemAccess || !crypto.subtle) return tr`This browser cannot open encrypted clips. Use a present-day Chrome, Edge or Firefox, or “gatehouse footage decrypt” with the recovery file.`;
  return null;
}

/** The license of a clip: by `typed`, or by a code that was right before. */
export async function keyOf(id, typed = null) {
  if (keys.has(id)) return keys.get(id);
  const tried = typed === null ? [...codes] : [typed];
  let wrong = new Error('the code is not known in this tab');
  for (const code of tried) {
    try {
      const license = await api.post(`/clips/${seg(id)}/key`, { code });
      codes = [code, ...codes.filter((c) => c !== code)];
      keys.set(id, license);
      return license;
    } catch (problem) {
      if (problem.slug !== 'wrong-code') throw problem;
      wrong = problem;
    }
  }
  // The code was changed: it is not asked for again and again.
  if (typed === null && codes.length === 1) codes = [];
  throw wrong;
}

const raw = (text) => Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));

/** The address of a clip's picture in the clear, by the code that was right before. */
export function pictureOf(id) {
  if (!pictures.has(id)) pictures.set(id, openPicture(id).catch((error) => { pictures.delete(id); throw error; }));
  return pictures.get(id);
}

async function openPicture(id) {
  const [key] = (await keyOf(id)).keys;
  const response = await fetch(`/api/v1/clips/${seg(id)}/thumbnail`);
  if (!response.ok) throw await problemOf(response, `GET the picture of ${id}`);
  const sealed = new Uint8Array(await response.arrayBuffer());
  const text = (s) => new TextEncoder().encode(s);
  const material = await crypto.subtle.importKey('raw', raw(key.k), 'HKDF', false, ['deriveKey']);
  const derived = await crypto.subtle.deriveKey({ name: 'HKDF', hash: 'SHA-256', salt: raw(key.kid), info: text('gatehouse picture 1') }, material, { name: 'AES-GCM', length: 256 }, false, ['decrypt']);
  const jpeg = await crypto.subtle.decrypt({ name: 'AES-GCM', iv: sealed.subarray(0, 12), additionalData: text(id) }, derived, sealed.subarray(12));
  return URL.createObjectURL(new Blob([jpeg], { type: 'image/jpeg' }));
}

/** Where a box's contents begin, by its four letters; -1 where it is not in these bytes. */
function contents(bytes, letters) {
  const wanted = [...letters].map((c) => c.charCodeAt(0));
  for (let i = 0; i + 12 < bytes.length; i += 1) if (wanted.every((c, k) => bytes[i + k] === c)) return i + 4;
  return -1;
}

/** The MIME types of a clip's tracks, by its first bytes; null where this page does not know the codec. */
function types(bytes) {
  const at = contents(bytes, 'avcC');
  if (at < 0) return null;
  const video = `avc1.${[1, 2, 3].map((k) => bytes[at + k].toString(16).padStart(2, '0')).join('')}`;
  const sound = contents(bytes, 'esds') >= 0 ? 'mp4a.40.2' : null;
  return { video, sound, all: `video/mp4; codecs="${[video, sound].filter(Boolean).join(', ')}"` };
}

async function unlock(video, license, type) {
  const wanted = { initDataTypes: ['keyids'], videoCapabilities: [{ contentType: `video/mp4; codecs="${type.video}"` }] };
  if (type.sound) wanted.audioCapabilities = [{ contentType: `audio/mp4; codecs="${type.sound}"` }];
  const access = await navigator.requestMediaKeySystemAccess('org.w3.clearkey', [wanted]);
  const mediaKeys = await access.createMediaKeys();
  await video.setMediaKeys(mediaKeys);
  const session = mediaKeys.createSession();
  const done = new Promise((resolve, reject) => {
    session.addEventListener('message', () => session.update(new TextEncoder().encode(JSON.stringify(license))).then(resolve, reject), { once: true });
  });
  await session.generateRequest('keyids', new TextEncoder().encode(JSON.stringify({ kids: license.keys.map((k) => k.kid) })));
  await done;
}

const event = (target, name) => new Promise((resolve, reject) => {
  target.addEventListener(name, resolve, { once: true });
  target.addEventListener('error', () => reject(new Error(`${name} did not come`)), { once: true });
});

/** Plays a clip that is encrypted: Media Source Extensions bring the bytes, Encrypted Media Extensions the key. */
export async function playEncrypted(video, clip, license) {
  let response;
  try { response = await fetch(clip.videoUrl); } catch (error) { throw noConnection(error, `GET ${clip.videoUrl}`); }
  if (!response.ok) throw await problemOf(response, `GET ${clip.videoUrl}`);
  const reader = response.body.getReader();
  let first = new Uint8Array(0);
  let type = null;
  while (!type) {
    const { done, value } = await reader.read();
    if (done) throw new Error('the codec of the clip is not known to this page');
    first = new Uint8Array([...first, ...value]);
    if (contents(first, 'moof') >= 0 || first.length > 65536) type = types(first) ?? (() => { throw new Error('the codec of the clip is not known to this page'); })();
  }
  await unlock(video, license, type);
  const source = new MediaSource();
  video.src = URL.createObjectURL(source);
  await event(source, 'sourceopen');
  const buffer = source.addSourceBuffer(type.all);
  for (let piece = first; piece;) {
    buffer.appendBuffer(piece);
    await event(buffer, 'updateend');
    const { done, value } = await reader.read();
    piece = done ? null : value;
    if (source.readyState !== 'open') { reader.cancel(); return; }
  }
  source.endOfStream();
}
