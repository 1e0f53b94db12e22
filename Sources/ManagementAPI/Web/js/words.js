// What codes are called on the page.
import { tr } from './language.js';

export const EVENT_TYPES = {
  motion: { word: tr`Motion`, icon: 'motion' },
  'line-crossing': { word: tr`Line crossing`, icon: 'line' },
  intrusion: { word: tr`Intrusion`, icon: 'zone' },
  'region-entrance': { word: tr`Region entered`, icon: 'enter' },
  'region-exit': { word: tr`Region left`, icon: 'out' },
  loitering: { word: tr`Loitering`, icon: 'clock' },
  face: { word: tr`Face`, icon: 'face' },
  object: { word: tr`Something recognized`, icon: 'eye' },
  pir: { word: tr`Warmth sensor`, icon: 'heat' },
  audio: { word: tr`Sound`, icon: 'sound' },
  tamper: { word: tr`Tampering`, icon: 'shield' },
  input: { word: tr`Alarm input`, icon: 'bell' },
  doorbell: { word: tr`Doorbell`, icon: 'bell' },
  door: { word: tr`Door`, icon: 'door' },
  access: { word: tr`Access`, icon: 'key' },
  manual: { word: tr`Recorded by hand`, icon: 'hand' },
  'video-loss': { word: tr`Video lost`, icon: 'eye-off' },
  'disk-full': { word: tr`Disk full`, icon: 'disk' },
  'disk-error': { word: tr`Disk fails`, icon: 'disk' },
  'illegal-login': { word: tr`Refused sign-ins`, icon: 'key' },
  network: { word: tr`Network trouble`, icon: 'unplug' },
  offline: { word: tr`Offline`, icon: 'unplug' },
  other: { word: tr`Word from the device`, icon: 'dot' },
};
export const eventType = (type) => EVENT_TYPES[type] ?? { word: String(type).replaceAll('-', ' '), icon: 'bell' };

/** How far a site is on its way to its owner. */
const SITE_STATUSES = {
  'not-handed-over': { word: tr`Not handed over`, tone: 'plain', icon: 'key', severity: 'ok', sentence: tr`This site is yours to set up. Hand it over when it is ready.`, forOwner: '' },
  'to-be-accepted': { word: tr`To be accepted`, tone: 'busy', icon: 'clock', severity: 'ok', sentence: tr`A link was sent; the owner has not answered yet.`, forOwner: '' },
  'not-authorized': { word: tr`Not authorized`, tone: 'plain', icon: 'lock', severity: 'attention', sentence: tr`The site has an owner, who does not let you look after it. Apply for authorization below.`, forOwner: tr`Nobody but you sees what is at this site.` },
  authorized: { word: tr`Authorized`, tone: 'ok', icon: 'check', severity: 'ok', sentence: tr`The owner lets you look after this site, with the permissions below.`, forOwner: tr`Your service provider looks after this site, with the permissions that you gave.` },
};
export const siteStatus = (status) => SITE_STATUSES[status] ?? SITE_STATUSES['not-handed-over'];

export const TARGETS = { human: tr`person`, vehicle: tr`vehicle`, animal: tr`animal`, face: tr`face`, package: tr`package` };
/** "Line crossing, vehicle, region 1" */
export const eventWords = (e) => [eventType(e.type).word, e.target && (TARGETS[e.target] ?? e.target), e.region && (/^\d+$/.test(e.region) ? tr`region ${e.region}` : e.region)].filter(Boolean).join(', ');

export const DEVICE_KINDS = {
  camera: { word: tr`Camera`, icon: 'camera' },
  recorder: { word: tr`Recorder`, icon: 'recorder' },
  'door-controller': { word: tr`Door controller`, icon: 'door' },
  unknown: { word: tr`Device`, icon: 'device' },
};
export const deviceKind = (kind) => DEVICE_KINDS[kind] ?? DEVICE_KINDS.unknown;
/** "Hikvision DS-2CD2143", whichever of it is known. */
export const modelWords = (identity) => [identity?.make, identity?.model].filter(Boolean).join(' ');

/** What a device calls itself, without its model, which many add. */
export const finderName = (identity) => identity?.name?.replace(identity.model ?? '', '').trim() || null;

export const DRIVERS = { isapi: 'ISAPI', onvif: 'ONVIF', rtsp: tr`RTSP only` };
export const SEEN_BY = { sadp: 'SADP', 'ws-discovery': 'ONVIF', sweep: tr`its open ports` };

export const CLIP_STATES = {
  recording: { word: tr`Recording`, tone: 'live', icon: 'dot' },
  captured: { word: tr`Recorded`, tone: 'plain', icon: 'box' },
  transcoding: { word: tr`Being prepared`, tone: 'busy', icon: 'cog' },
  queued: { word: tr`Waiting`, tone: 'plain', icon: 'clock' },
  sending: { word: tr`Sending`, tone: 'busy', icon: 'up' },
  stored: { word: tr`In the cloud`, tone: 'ok', icon: 'cloud-ok' },
  dropped: { word: tr`Not kept`, tone: 'trouble', icon: 'cross' },
};
const NOTED = { word: tr`Noted`, tone: 'plain', icon: 'check' };
export const clipState = (state) => (state === 'noted' ? NOTED : CLIP_STATES[state]) ?? { word: String(state), tone: 'plain', icon: 'dot' };

/** Why there is no footage, as it was said when it happened, or null. */
export const eventReason = ({ state, stateSentence }) => (state === 'dropped' || state === 'noted' ? stateSentence : null);

export const WAYS = {
  'copy-sub': tr`As it came, from the second stream`,
  'copy-main': tr`As it came, from the main stream`,
  hardware: tr`Converted by the video chip`,
  software: tr`Converted by the processor`,
};
export const way = (code) => WAYS[code] ?? code ?? tr`not decided yet`;

export const CODECS = { h264: 'H.264', avc: 'H.264', hevc: 'H.265', h265: 'H.265', mjpeg: 'MJPEG', 'h264+': 'H.264+', 'h265+': 'H.265+', mpeg4: 'MPEG-4', aac: 'AAC', pcm_alaw: 'G.711 A-law', pcm_mulaw: 'G.711 µ-law', pcma: 'G.711 A-law', pcmu: 'G.711 µ-law', opus: 'Opus' };
export const codec = (name) => (name ? CODECS[String(name).toLowerCase()] ?? name : tr`none`);

export const CAMERA_STEPS = [
  ['reach', tr`Reach the camera`], ['sign-in', tr`Sign in`], ['streams', tr`Read its streams`], ['picture', tr`Get a picture`],
];
export const DEVICE_STEPS = [
  ['reach', tr`Reach the device`], ['sign-in', tr`Sign in`], ['identify', tr`Ask what it is`], ['channels', tr`Find its channels`],
  ['streams', tr`Watch its streams`], ['events', tr`Hear its events`], ['clock', tr`Compare its clock`], ['compatibility', tr`Look for what stands in the way`],
];
export const STORAGE_STEPS = [
  ['reach', tr`Reach the storage`], ['write', tr`Write a file`], ['read', tr`Read it back`], ['conditional', tr`Refuse to overwrite`], ['delete', tr`Delete it`],
];

export const SEVERITY = {
  ok: { word: tr`Well`, icon: 'check' },
  attention: { word: tr`Needs attention`, icon: 'warn' },
  trouble: { word: tr`Trouble`, icon: 'stop' },
  off: { word: tr`Off`, icon: 'off' },
};
export const severity = (code) => SEVERITY[code] ?? SEVERITY.off;

export const LOG_LEVELS = [
  ['error', tr`Error: failures only`], ['warning', tr`Warning`], ['notice', tr`Notice`], ['info', tr`Info: the usual`],
  ['debug', tr`Debug: for support`], ['trace', tr`Trace: everything, fills quickly`],
];

export const DAYS = [
  ['monday', tr`Monday`], ['tuesday', tr`Tuesday`], ['wednesday', tr`Wednesday`], ['thursday', tr`Thursday`],
  ['friday', tr`Friday`], ['saturday', tr`Saturday`], ['sunday', tr`Sunday`],
];

/** What somebody may do, of which keys for programs get a part. */
const MAY = {
  'view-site': tr`view site`, 'manage-site': tr`manage site`, configure: tr`configure`, 'view-live': tr`view live`, 'play-back': tr`play back`, export: tr`export`,
  'move-lens': tr`move lens`, talk: tr`talk`, 'open-door': tr`open door`, 'manage-plans': tr`manage plans`, 'remove-device': tr`remove device`, 'delete-site': tr`delete site`,
  'hand-over': tr`hand over`, apply: tr`apply`, 'apply-for-site': tr`apply for site`, grant: tr`grant`, 'control-remote-use': tr`control remote use`, share: tr`share`, 'leave-site': tr`leave site`,
  'add-site': tr`add site`, 'view-box': tr`view box`, 'configure-box': tr`configure box`, 'view-people': tr`view people`, 'assign-sites': tr`assign sites`,
  'manage-people': tr`manage people`, 'manage-company': tr`manage company`, 'read-log': tr`read log`, 'back-up': tr`back up`, 'reset-box': tr`reset box`, unbind: tr`unbind`,
};
export const mayWord = (code) => MAY[code] ?? code.replaceAll('-', ' ');
