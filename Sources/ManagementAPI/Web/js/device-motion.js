// Motion as the camera itself sees it: where, how sensitive, when, and whether it tells the box.
import { api, seg } from './api.js';
import { sensitivityWords } from './camera-motion.js';
import { toast } from './dialog.js';
import { fill, h, say } from './dom.js';
import { bind, slider, toggle } from './form.js';
import { tr } from './language.js';
import { tellButton } from './notify.js';
import { button, problemBox, sentence, skeleton } from './parts.js';
import { picture } from './picture.js';
import { store } from './store.js';
import { weekEditor } from './week.js';
import './motion-grid.js';

/** Looking for motion in no field would see nothing, and nobody would know. */
const NOWHERE = { status: 400, detail: tr`No field is chosen, so nothing would ever be seen. Choose at least one field, or switch “The camera looks for motion” off.` };

export function deviceMotion({ channelId, on }) {
  const channel = () => store.channels.get(channelId);
  const path = `/channels/${seg(channelId)}/device-motion`;
  const body = h('div', {}, skeleton('sk-block'));

  function show(m) {
    let now = m;
    const canTell = channel().capabilities?.includes('notification-switch');
    const telling = h('div', { class: 'telling' }, m.enabled && m.notifies === false && sentence('attention', tr`The camera sees motion and keeps it to itself: “notify surveillance center” is off on it, so the box hears nothing.`,
      canTell ? tellButton(channel(), 'motion', () => { now.notifies = true; }) : h('p', { class: 'small' }, tr`Switch it on in the camera’s own web page.`)));
    const enabled = toggle({ label: tr`The camera looks for motion`, hint: tr`Its own events then make clips too, while the camera is armed in the box.`, on: m.enabled, testid: 'device-motion-enabled', async act(next) {
      if (next && !now.cells.join('').includes('1')) throw NOWHERE;
      await put({ ...now, enabled: next });
    } });
    const grid = document.createElement('gh-motion-grid');
    grid.dataset.testid = 'device-motion-grid';
    grid.shape(m.columns, m.rows);
    const pic = picture(channel());
    const chosen = h('span', { class: 'muted small' });
    let edited = false;
    const sensitivity = slider({ label: tr`Sensitivity`, value: m.sensitivity, step: 1, words: sensitivityWords, testid: 'device-motion-sensitivity', onInput: () => touched() });
    const week = m.schedule && weekEditor({ label: tr`It looks`, testid: 'device-motion-schedule', emptyDay: tr`Not looking`, onChange: () => touched() });
    const save = button(tr`Set on the camera`, { look: 'primary', type: 'submit', testid: 'device-motion-save' });
    const revert = button(tr`Undo changes`, { onClick: () => take() });
    function touched() { edited = true; tell(); }
    function tell() {
      say(chosen, grid.chosen ? tr`${grid.chosen} of ${grid.size} fields chosen` : tr`No field is chosen: the camera sees no motion.`);
      save.disabled = !edited || Boolean(week?.bad);
      revert.hidden = !edited;
    }
    function take() {
      grid.cells = now.cells;
      sensitivity.value = now.sensitivity;
      if (week) week.value = now.schedule;
      edited = false;
      tell();
    }
    async function put({ columns, rows, ...wanted }) { // what the camera does not have is left out
      now = await api.put(path, Object.fromEntries(Object.entries(wanted).filter(([, v]) => v !== null))) ?? now;
    }
    grid.addEventListener('change', touched);
    on('channel', (c) => { if (c.id === channelId) pic.show(c); });
    const form = h('form', { class: 'stack', 'data-testid': 'device-motion-form' },
      h('div', { class: 'frame drawable' }, pic, grid),
      h('div', { class: 'row wrap between' }, chosen, h('div', { class: 'row' }, button(tr`All|fields`, { look: 'plain small', onClick: () => grid.all(1) }), button(tr`Clear`, { look: 'plain small', testid: 'device-motion-clear', onClick: () => grid.all(0) }))),
      sensitivity.el, week && week.els, h('div', { class: 'actions' }, revert, save));
    bind(form, { fields: [], button: save, busy: tr`Setting…`, after: tell, async submit() {
      if (now.enabled && grid.chosen === 0) throw NOWHERE;
      await put({ ...now, sensitivity: sensitivity.value, cells: grid.cells, ...(week && { schedule: week.value }) });
      take();
      toast(tr`Set on the camera.`);
    } });
    take();
    fill(body, telling, enabled.el, form);
  }

  async function load() {
    try { show(await api.get(path)); } catch (problem) { fill(body, problemBox(problem), button(tr`Try again`, { iconName: 'test', onClick: load })); }
  }
  load();
  return body;
}
