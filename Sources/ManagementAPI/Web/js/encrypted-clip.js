// An encrypted clip: asks once for the verification code, then plays.
import { Problem } from './api.js';
import { fill, h, icon } from './dom.js';
import { bind, field } from './form.js';
import { when } from './format.js';
import { button, details, problemBox, sentence } from './parts.js';
import { hasCode, keyOf, obstacle, pictureOf, playEncrypted } from './footage-key.js';
import { tr } from './language.js';

/** The place of the player on the clip's page. */
export function encryptedPlayer(clip) {
  const frame = h('div', { class: 'frame video', style: { 'aspect-ratio': clip.width && clip.height ? `${clip.width} / ${clip.height}` : '16 / 9' } });
  const below = h('div', { class: 'clip-code' });
  const el = h('div', {}, frame, below);
  const closed = () => { frame.className = 'frame video not-ready'; fill(frame, h('div', { class: 'over' }, icon('lock'), h('span', {}, tr`Encrypted. Enter the verification code to watch it.`))); };

  async function open(license) {
    const video = h('video', { controls: true, muted: true, playsInline: true, 'data-testid': 'clip-video', 'aria-label': tr`Clip of ${clip.channelName}, ${when(clip.startsAt)}` });
    frame.className = 'frame video';
    fill(frame, video);
    fill(below);
    pictureOf(clip.id).then((url) => { video.poster = url; }, () => {});
    try { await playEncrypted(video, clip, license); } catch (error) {
      if (error instanceof Problem) { fill(below, problemBox(error), h('div', { class: 'actions' }, button(tr`Try again`, { onClick: () => open(license) }))); return; }
      fill(below, sentence('attention', tr`This browser could not play the encrypted clip. Download it and open it with “gatehouse footage decrypt” and the recovery file.`, details(String(error?.stack ?? error))));
    }
  }

  function ask() {
    closed();
    const code = field({ label: tr`Verification code`, type: 'password', pointer: '/code', testid: 'clip-code', autocomplete: 'off', hint: tr`It was shown when encryption was switched on. This tab remembers it until it is closed.` });
    const go = button(tr`Open`, { look: 'primary', type: 'submit', testid: 'clip-code-submit' });
    const form = h('form', { 'data-testid': 'clip-code-form' }, code.el, h('div', { class: 'actions' }, go));
    bind(form, { fields: [code], button: go, busy: tr`Opening`, async submit() { await open(await keyOf(clip.id, code.value)); } });
    fill(below, form);
  }

  const why = obstacle();
  if (why) {
    closed();
    fill(below, sentence('attention', why));
  } else if (hasCode()) {
    closed();
    keyOf(clip.id).then(open, ask);
  } else ask();
  return el;
}
