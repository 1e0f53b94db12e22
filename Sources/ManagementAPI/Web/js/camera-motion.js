// Motion of a camera: on or off, how sensitive, and where.
import { api, seg } from './api.js';
import { toast } from './dialog.js';
import { fill, h, say } from './dom.js';
import { bind, choice, slider, toggle } from './form.js';
import { tr } from './language.js';
import { bar, button } from './parts.js';
import { picture } from './picture.js';
import { put, store } from './store.js';
import './motion-grid.js';

export function sensitivityWords(n) {
  if (n < 20) return tr`Only large movement.`;
  if (n < 45) return tr`Calm: people and cars nearby.`;
  if (n < 70) return tr`Usual: people and cars.`;
  if (n < 90) return tr`Keen: also small or far movement.`;
  return tr`Very keen: expect rain, leaves and insects.`;
}

/** Looking for motion in no field would see nothing, and nobody would know. */
const NOWHERE = { status: 400, detail: tr`No field is chosen, so nothing would ever be seen. Choose at least one field, or switch “Record when something moves” off.` };

export function motionSection({ channelId, on }) {
  const now = () => store.channels.get(channelId);
  const path = `/channels/${seg(channelId)}`;
  const first = now();
  let edited = false;

  const enabled = toggle({ label: tr`Record when something moves`, hint: tr`In the area below, while the camera is armed.`, on: first.motion.enabled, testid: 'motion-enabled',
    async act(next) {
      if (next && !now().motion.cells.join('').includes('1')) throw NOWHERE;
      put('channel', await api.patch(path, { motion: { enabled: next } }));
    } });
  const grid = document.createElement('gh-motion-grid');
  grid.dataset.testid = 'motion-grid';
  const pic = picture(first);
  const sensitivity = slider({ label: tr`Sensitivity`, value: first.motion.sensitivity, words: sensitivityWords, testid: 'motion-sensitivity', onInput: () => touched() });
  const chosen = h('span', { class: 'muted small' });
  const level = h('div', { class: 'level' });
  const drawMode = choice({ label: tr`Draw by`, value: 'paint', options: [{ value: 'paint', label: tr`Painting` }, { value: 'box', label: tr`Box|drawing` }], onChange: (v) => { grid.mode = v; } });
  const save = button(tr`Save`, { look: 'primary', type: 'submit', testid: 'motion-save' });
  const revert = button(tr`Undo changes`, { onClick() { edited = false; take(now()); } });

  function tell() {
    const n = grid.chosen;
    say(chosen, n === 0 ? tr`No field is chosen: nothing will be seen.` : tr`${n} of ${grid.size} fields chosen`);
    save.disabled = !edited;
    revert.hidden = !edited;
  }
  function touched() { edited = true; tell(); }
  function take(c) {
    pic.show(c);
    enabled.on = c.motion.enabled;
    if (!edited) {
      sensitivity.value = c.motion.sensitivity;
      const next = c.motion.cells;
      if (next.join() !== grid.cells.join()) grid.cells = next;
    }
    tell();
  }
  grid.addEventListener('change', touched);
  on('channel', (c) => { if (c.id === channelId) take(c); });
  fill(level, h('span', { class: 'muted small' }, tr`Movement now`), bar(0, tr`Movement now`, 'footage'));
  on('motion', (m) => {
    if (m.channelId !== channelId) return;
    grid.moving(m.cells ?? []);
    const fillEl = level.querySelector('.bar-fill');
    fillEl.style.width = `${Math.round(Math.min(1, m.level) * 100)}%`;
    clearTimeout(level.still);
    level.still = setTimeout(() => { fillEl.style.width = '0%'; }, 2000);
  });

  const form = h('form', { class: 'stack', 'data-testid': 'motion-form' },
    h('div', { class: 'frame drawable' }, pic, grid),
    h('div', { class: 'row wrap between' }, chosen, h('div', { class: 'row' }, button(tr`All|fields`, { look: 'plain small', testid: 'motion-all', onClick: () => grid.all(1) }), button(tr`Clear`, { look: 'plain small', testid: 'motion-clear', onClick: () => grid.all(0) }))),
    drawMode.el, level,
    sensitivity.el,
    h('div', { class: 'actions' }, revert, save));
  bind(form, { fields: [], button: save, busy: tr`Saving…`, after: tell, async submit() {
    if (now().motion.enabled && grid.chosen === 0) throw NOWHERE;
    const answer = await api.patch(path, { motion: { sensitivity: sensitivity.value, cells: grid.cells } });
    edited = false;
    put('channel', answer);
    toast(tr`Motion area saved.`);
  } });
  take(first);
  return [enabled.el, form];
}
