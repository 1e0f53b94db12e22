// The lens of a camera that moves: held buttons and arrow keys, places kept, rounds, wiper and light.
import { api, seg } from './api.js';
import { ask, toast } from './dialog.js';
import { fill, h, icon } from './dom.js';
import { bind, choice, field, toggle, wrong } from './form.js';
import { joystick } from './joystick.js';
import { tr } from './language.js';
import { button, problemBox } from './parts.js';

const REPEAT = 300; // a movement lasts 750 ms
const PICTURE = 600;
const LINGER = 2500; // pictures go on after a stop, until the lens has come to rest

const PAD = [
  [tr`Move up and left`, -1, 1, -45, 'up-and-left'], [tr`Move up`, 0, 1, 0, 'up'], [tr`Move up and right`, 1, 1, 45, 'up-and-right'],
  [tr`Move left`, -1, 0, -90, 'left'], null, [tr`Move right`, 1, 0, 90, 'right'],
  [tr`Move down and left`, -1, -1, -135, 'down-and-left'], [tr`Move down`, 0, -1, 180, 'down'], [tr`Move down and right`, 1, -1, 135, 'down-and-right'],
];
const KEYS = { ArrowUp: { tilt: 1 }, ArrowDown: { tilt: -1 }, ArrowLeft: { pan: -1 }, ArrowRight: { pan: 1 }, '+': { zoom: 1 }, '-': { zoom: -1 }, PageUp: { zoom: 1 }, PageDown: { zoom: -1 } };

/** `frame` is the picture's frame; the pad lies over it. Returns {el, pad}. */
export function lens({ channel, frame, cleanup }) {
  const path = `/channels/${seg(channel.id)}`;
  const can = (name) => channel.capabilities?.includes(name);
  const message = h('div', { class: 'form-message', role: 'alert' });
  let speed = 0.5;
  let held = null; // the movement while a button is held
  let beat = null;
  let busy = false;
  let stopAgain = false;
  const failed = (problem) => { if (problem.status !== 401) fill(message, problemBox(problem)); };

  async function step() {
    if (!held || busy) return;
    busy = true;
    try { await api.post(`${path}/lens/move`, held); fill(message); } catch (problem) { failed(problem); release(); }
    busy = false;
    if (stopAgain) { stopAgain = false; halt(); } // a movement that was under way when the button was let go
  }
  function halt() { api.post(`${path}/lens/stop`).catch(failed); }
  function press(movement) {
    release();
    held = Object.fromEntries(Object.entries(movement).filter(([, v]) => v).map(([k, v]) => [k, v * speed]));
    look();
    step();
    beat = setInterval(step, REPEAT);
  }
  /** Goes on with another movement, as a joystick does. */
  function steer(movement) {
    if (!held) { press(movement); return; }
    held = Object.fromEntries(Object.entries(movement).filter(([, v]) => v).map(([k, v]) => [k, Number(v.toFixed(2))]));
  }
  function release() {
    if (!held) return;
    held = null;
    clearInterval(beat);
    stopAgain = busy;
    until = Date.now() + LINGER;
    halt();
  }

  // Pictures straight from the camera while it moves.
  let until = 0;
  let looking = false;
  async function look() {
    until = Date.now() + 60000;
    if (looking || !can('snapshot')) return;
    looking = true;
    let refusals = 0;
    while (Date.now() < until && frame.isConnected && refusals < 3) {
      const began = Date.now();
      const next = new Image();
      next.alt = '';
      next.className = 'moving-picture';
      next.src = `/api/v1${path}/device-snapshot?at=${began}`;
      try {
        await next.decode();
        frame.querySelector('.moving-picture')?.remove();
        own.after(next);
        refusals = 0;
      } catch { refusals += 1; }
      await new Promise((go) => { setTimeout(go, Math.max(50, PICTURE - (Date.now() - began))); });
    }
    looking = false;
  }

  // The box's own picture takes over again when the lens has come to rest.
  const own = frame.querySelector('gh-picture');
  const back = () => { if (!looking) frame.querySelector('.moving-picture')?.remove(); };
  own.addEventListener('shown', back);

  function hold(label, movement, kid, testid) {
    const b = h('button', { type: 'button', class: 'lens-button', 'aria-label': label, title: label, 'data-testid': testid,
      onPointerdown(e) { if (!e.button) { try { b.setPointerCapture(e.pointerId); } catch { /* gone already */ } b.classList.add('held'); press(movement); } },
      onContextmenu: (e) => e.preventDefault(),
      onKeydown(e) { if ((e.key === ' ' || e.key === 'Enter') && !e.repeat) { press(movement); e.preventDefault(); } },
      onKeyup(e) { if (e.key === ' ' || e.key === 'Enter') letGo(); } }, kid);
    const letGo = () => { b.classList.remove('held'); release(); };
    for (const name of ['pointerup', 'pointercancel', 'lostpointercapture', 'pointerleave', 'blur']) b.addEventListener(name, letGo);
    return b;
  }
  const arrow = (degrees) => { const el = icon('up'); el.style.transform = `rotate(${degrees}deg)`; return el; };
  const pair = (name, more, less) => can(name) && h('div', { class: 'lens-pair', role: 'group', 'aria-label': more[2] },
    hold(more[0], { [name]: 1 }, icon(more[1]), `lens-${name}-more`), h('span', { 'aria-hidden': 'true' }, more[2]), hold(less[0], { [name]: -1 }, icon(less[1]), `lens-${name}-less`));
  const pad = h('div', { class: 'lens-over', role: 'group', 'aria-label': tr`Lens: arrow keys move, plus and minus zoom`, tabindex: 0, 'data-testid': 'lens-pad',
    onKeydown(e) {
      const movement = KEYS[e.key];
      if (!movement || e.ctrlKey || e.metaKey || e.altKey || !can('zoom' in movement ? 'zoom' : 'pan')) return;
      e.preventDefault();
      if (!e.repeat) press(movement);
    },
    onKeyup(e) { if (KEYS[e.key]) release(); },
    onFocusout(e) { if (!pad.contains(e.relatedTarget)) release(); } },
  h('div', { class: 'lens-side' }, pair('zoom', [tr`Zoom in`, 'plus', tr`Zoom`], [tr`Zoom out`, 'dash']), pair('focus', [tr`Focus farther`, 'plus', tr`Focus`], [tr`Focus nearer`, 'dash'])),
  can('pan') && h('div', { class: 'lens-pad' }, PAD.map((d) => (d ? hold(d[0], { pan: d[1], tilt: d[2] }, arrow(d[3]), `lens-${d[4]}`) : h('span', {})))));
  const hidden = () => { if (document.hidden) release(); };
  const leave = joystick(frame, { can, steer, release, cleanup });
  addEventListener('blur', release);
  document.addEventListener('visibilitychange', hidden);
  cleanup(() => { release(); until = 0; own.removeEventListener('shown', back); removeEventListener('blur', release); document.removeEventListener('visibilitychange', hidden); });

  // Below the picture
  const task = async (fn) => { fill(message); try { await fn(); } catch (problem) { failed(problem); } };
  const list = h('ul', { class: 'plain-list preset-list', 'data-testid': 'presets' });
  async function loadPresets() {
    const { items } = await api.get(`${path}/lens/presets`);
    fill(list, items.length === 0 && h('li', { class: 'muted' }, tr`No place is kept yet. Move the lens, name the place, and keep it.`), items.map(preset));
  }
  function preset({ id, name }) {
    const at = `${path}/lens/presets/${seg(id)}`;
    const li = h('li', { class: 'preset' },
      button(name, { iconName: 'target', testid: 'preset-call', onClick: () => task(async () => { await api.post(`${at}/call`); look(); until = Date.now() + 6000; }) }),
      h('span', { class: 'grow' }),
      button(tr`Rename`, { look: 'quiet small', onClick: () => renaming() }),
      button(tr`Delete`, { look: 'quiet small', testid: 'preset-delete', onClick: async () => {
        if (await ask({ title: tr`Delete “${name}”?`, action: tr`Delete`, text: tr`Deletes the kept place on the camera. Rounds that go there leave it out.` })) await task(async () => { await api.delete(at); await loadPresets(); });
      } }));
    function renaming() {
      const f = field({ label: tr`New name`, value: name, maxlength: 32, autocomplete: 'off' });
      const save = button(tr`Rename`, { look: 'primary', type: 'submit' });
      const form = h('form', { class: 'keep-form grow' }, f.el, save);
      bind(form, { fields: [f], button: save, async submit() {
        if (!f.given) throw wrong(f, tr`Enter a name.`);
        await api.put(at, { name: f.given });
        await loadPresets();
      } });
      fill(li, form);
      f.focus();
    }
    return li;
  }
  const place = field({ label: tr`Keep this place as`, maxlength: 32, autocomplete: 'off', autocapitalize: 'sentences', testid: 'preset-name' });
  const keep = button(tr`Keep`, { iconName: 'plus', type: 'submit', testid: 'preset-save' });
  const keepForm = h('form', { class: 'keep-form' }, place.el, keep);
  bind(keepForm, { fields: [place], button: keep, async submit() {
    if (!place.given) throw wrong(place, tr`Enter a name, such as “Gate”.`);
    await api.post(`${path}/lens/presets`, { name: place.given });
    place.value = '';
    toast(tr`The place is kept on the camera.`);
    await loadPresets();
  } });
  const patrols = h('div', { class: 'row wrap' });
  async function loadPatrols() {
    const { items } = await api.get(`${path}/lens/patrols`);
    fill(patrols, items.length > 0 && h('h2', {}, tr`Rounds`), items.map(({ id, name }) => button(name, { iconName: 'test', testid: 'patrol-start', onClick: () => task(async () => {
      await api.post(`${path}/lens/patrols/${seg(id)}/start`);
      look();
      until = Date.now() + 15000;
      toast(tr`The camera goes its round “${name}”. Moving the lens ends it.`, { iconName: 'test' });
    }) })));
  }
  const auxiliary = (name, label) => can(name) && toggle({ label, on: false, testid: `lens-${name}`, act: (next) => api.put(`${path}/lens/auxiliary`, { name, on: next }) }).el;
  const speeds = choice({ label: tr`Speed`, value: '0.5', testid: 'lens-speed', onChange: (v) => { speed = Number(v); }, options: [{ value: '0.2', label: tr`Slow` }, { value: '0.5', label: tr`Middle` }, { value: '1', label: tr`Fast` }] });
  const el = h('section', { class: 'card lens', 'data-testid': 'lens' }, message, (can('pan') || can('zoom')) && speeds.el,
    can('presets') && h('div', {}, h('h2', {}, tr`Places`), list, keepForm), can('patrols') && patrols, auxiliary('wiper', tr`Wiper`), auxiliary('light', tr`Light`));
  if (can('presets')) loadPresets().catch(failed);
  if (can('patrols')) loadPatrols().catch(failed);
  return { el, pad, stop() { release(); leave(); } };
}
