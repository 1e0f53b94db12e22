// Whoever stands in front of a device proves it: its camera sees a code that the box makes.
import { api } from './api.js';
import { toast } from './dialog.js';
import { fill, h, say, uid } from './dom.js';
import { tr } from './language.js';
import { button, problemBox } from './parts.js';

const EVERY = 4000; // milliseconds between two looks
const LOOKS_FOR = 120000; // by itself, from the opening on

/** The button that begins. `path` is that of the device in its onboarding; `taken(item)` hears how it stands when it is tried again. */
export function possessionButton({ item, path, taken, message }) {
  const begin = button(tr`I have the device in front of me`, { look: 'primary', iconName: 'camera', testid: `possess-${item.index}`, async onClick() {
    begin.disabled = true;
    fill(message);
    try { showChallenge({ drawing: await api.file(`${path}/challenge`), path, taken }); } catch (problem) { fill(message, problemBox(problem)); }
    begin.disabled = false;
  } });
  return begin;
}

/** The phone's display must not go dark while the device looks at it. */
async function keepLit() {
  try { return await navigator.wakeLock?.request('screen'); } catch { return null; }
}

function showChallenge({ drawing, path, taken }) {
  const id = uid('challenge');
  const url = URL.createObjectURL(drawing);
  const words = h('p', { role: 'status', 'data-testid': 'challenge-said' }, tr`The device looks every ${EVERY / 1000} seconds.`);
  const message = h('div', { class: 'form-message', role: 'alert' });
  const look = button(tr`Look now`, { look: 'primary', iconName: 'eye', testid: 'challenge-look', onClick: () => check() });
  const until = Date.now() + LOOKS_FOR;
  const lit = keepLit();
  let timer = 0;
  const dialog = h('dialog', { class: 'challenge', 'aria-labelledby': id, 'data-testid': 'challenge', onClose() {
    clearTimeout(timer);
    URL.revokeObjectURL(url);
    lit.then((lock) => lock?.release());
    dialog.remove();
  } }, h('h2', { id }, tr`Hold this phone in front of the camera, half a metre away`), h('img', { class: 'code', src: url, alt: tr`QR code for the camera`, 'data-testid': 'challenge-code' }), words, message,
  h('div', { class: 'actions' }, button(tr`Close`, { testid: 'challenge-close', onClick: () => dialog.close() }), look));

  function again() {
    if (!dialog.isConnected) return;
    if (Date.now() < until) timer = setTimeout(check, EVERY);
    else say(words, tr`It did not see the code in two minutes. Hold the phone still, nearer or farther, and press “Look now”.`);
  }
  async function check() {
    clearTimeout(timer);
    look.disabled = true;
    fill(message);
    let goesOn = true;
    try {
      const { isSeen, sentence } = await api.post(`${path}/challenge/check`);
      say(words, sentence);
      if (isSeen) { await seen(); return; }
    } catch (problem) {
      fill(message, problemBox(problem));
      goesOn = problem.status === 0 || problem.status === 429 || problem.status >= 500; // or it will not get better by itself
    }
    look.disabled = false;
    if (goesOn) again();
  }
  /** It is unbound: what failed is tried again, also where somebody closed this meanwhile. */
  async function seen() {
    const item = await api.post(`${path}/retry`, {});
    dialog.close();
    toast(tr`The device is unbound. It is added now.`);
    taken(item);
  }
  document.body.append(dialog);
  dialog.showModal();
  timer = setTimeout(check, EVERY);
}
