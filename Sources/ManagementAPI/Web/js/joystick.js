// Moving a lens on its own picture: drag as with a joystick, pinch or turn the wheel to zoom.
import { h } from './dom.js';

const REACH = 120; // pixels from where the finger began to full speed
const DEAD = 12;
const PINCH = 24; // pixels by which two fingers part before it zooms
const WHEEL = 300; // milliseconds after the last turn of the wheel

/** `can` tells what the lens does; `steer` gets {pan, tilt, zoom} of -1 to 1 while it lasts, `release` ends it. Returns what takes it away again. */
export function joystick(frame, { can, steer, release, cleanup }) {
  const knob = h('span', { class: 'joystick', 'aria-hidden': 'true', hidden: true }, h('span', { class: 'joystick-knob' }));
  frame.append(knob);
  const fingers = new Map();
  let origin = null;
  let apart = 0;
  let wheel = null;
  const ofButton = (e) => e.target.closest?.('button, a, input, .lens-over');
  const spread = () => { const [a, b] = [...fingers.values()]; return Math.hypot(a.x - b.x, a.y - b.y); };

  function draw(dx, dy) {
    const box = frame.getBoundingClientRect();
    knob.hidden = false;
    knob.style.left = `${origin.x - box.left}px`;
    knob.style.top = `${origin.y - box.top}px`;
    knob.firstChild.style.transform = `translate(${dx}px, ${dy}px)`;
  }
  function end() {
    knob.hidden = true;
    origin = null;
    release();
  }
  function down(e) {
    if (e.button || ofButton(e) || document.fullscreenElement && document.fullscreenElement !== frame) return;
    fingers.set(e.pointerId, { x: e.clientX, y: e.clientY });
    if (fingers.size === 1) origin = { x: e.clientX, y: e.clientY };
    if (fingers.size === 2) { end(); apart = spread(); }
  }
  function move(e) {
    if (!fingers.has(e.pointerId)) return;
    fingers.set(e.pointerId, { x: e.clientX, y: e.clientY });
    if (fingers.size === 2 && can('zoom')) {
      const by = spread() - apart;
      if (Math.abs(by) > PINCH) steer({ zoom: Math.max(-1, Math.min(1, by / REACH)) });
      return;
    }
    if (!origin || fingers.size !== 1 || !can('pan')) return;
    let [dx, dy] = [e.clientX - origin.x, e.clientY - origin.y];
    const far = Math.hypot(dx, dy);
    if (far < DEAD && knob.hidden) return;
    if (knob.hidden) frame.setPointerCapture?.(e.pointerId);
    if (far > REACH) [dx, dy] = [(dx * REACH) / far, (dy * REACH) / far];
    draw(dx, dy);
    steer({ pan: dx / REACH, tilt: -dy / REACH });
  }
  function up(e) {
    if (!fingers.delete(e.pointerId)) return;
    end();
  }
  function turn(e) {
    if (!can('zoom') || ofButton(e)) return;
    e.preventDefault();
    steer({ zoom: e.deltaY < 0 ? 0.6 : -0.6 });
    clearTimeout(wheel);
    wheel = setTimeout(release, WHEEL);
  }
  const listeners = [['pointerdown', down], ['pointermove', move], ['pointerup', up], ['pointercancel', up], ['wheel', turn, { passive: false }]];
  for (const [name, fn, options] of listeners) frame.addEventListener(name, fn, options);
  frame.classList.add('steered');
  function leave() {
    clearTimeout(wheel);
    for (const [name, fn] of listeners) frame.removeEventListener(name, fn);
    frame.classList.remove('steered');
    knob.remove();
  }
  cleanup(leave);
  return leave;
}
