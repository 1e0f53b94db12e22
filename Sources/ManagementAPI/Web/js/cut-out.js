// Asking for a range of footage as files: from when to when, of which cameras, cut how.
import { api } from './api.js';
import { toast } from './dialog.js';
import { h } from './dom.js';
import { bind, choice, field, wrong } from './form.js';
import { fromSiteClock, siteClock, zoneDiffers, zoneName } from './format.js';
import { tr } from './language.js';
import { button } from './parts.js';
import { go } from './navigate.js';
import { channelsByName } from './store.js';

const MOST = 4;

/** Opens the form over the page. `from` and `to` are moments, `channelIds` the cameras that are chosen at first. */
export function cutOut({ channelIds = [], from, to }) {
  const moment = (label, pointer, value, testid) => field({ label, pointer, type: 'datetime-local', step: 1, value: siteClock(value), testid });
  const begin = moment(tr`From`, '/from', from, 'cut-from');
  const end = moment(tr`To`, '/to', to, 'cut-to');
  const boxes = channelsByName().map((c) => h('input', { type: 'checkbox', class: 'tick', value: c.id, checked: channelIds.includes(c.id), 'data-testid': `cut-channel-${c.id}` }));
  const names = new Map(channelsByName().map((c) => [c.id, c.name]));
  const cameras = h('fieldset', { class: 'ticks' }, h('legend', {}, tr`Cameras`), boxes.map((b) => h('label', { class: 'row' }, b, h('span', {}, names.get(b.value)))));
  const exact = choice({ label: tr`Cut`, pointer: '/exact', value: 'key', testid: 'cut-exact', look: 'cards', options: [
    { value: 'key', label: tr`As it is`, hint: tr`Begins up to a few seconds earlier; no picture is changed. For evidence.` },
    { value: 'exact', label: tr`To the moment`, hint: tr`The first second or two are encoded anew.` }] });
  const pieces = choice({ label: tr`Files`, pointer: '/pieceSeconds', value: 'whole', testid: 'cut-pieces', options: [{ value: 'whole', label: tr`As few as can be` }, { value: '120', label: tr`Of 2 minutes` }] });
  const make = button(tr`Cut out`, { look: 'primary', type: 'submit', testid: 'cut-make' });
  const fields = [begin, end, exact, pieces];
  const form = h('form', { class: 'stack' }, begin.el, end.el, zoneDiffers() && h('p', { class: 'muted small' }, tr`By the clock of the site, ${zoneName()}.`), cameras, exact.el, pieces.el,
    h('div', { class: 'actions' }, button(tr`Cancel`, { onClick: () => dialog.close() }), make));
  const dialog = h('dialog', { class: 'dialog', 'aria-labelledby': 'cut-title', 'data-testid': 'cut-out', onClose: () => dialog.remove() }, h('h2', { id: 'cut-title' }, tr`Cut out footage`), form);
  bind(form, { fields, button: make, busy: tr`Asking…`, async submit() {
    const chosen = boxes.filter((b) => b.checked).map((b) => b.value);
    if (!begin.given) throw wrong(begin, tr`Say when it begins.`);
    if (!end.given) throw wrong(end, tr`Say when it ends.`);
    if (!chosen.length || chosen.length > MOST) throw wrong(pieces, tr`Choose one to ${MOST} cameras.`);
    const made = await api.post('/exports', { channelIds: chosen, from: fromSiteClock(begin.value), to: fromSiteClock(end.value), exact: exact.value === 'exact', pieceSeconds: pieces.value === 'whole' ? null : 120 });
    dialog.close();
    toast(tr`It is being cut out.`);
    go(`#/cut-outs/${made.id}`);
  } });
  document.body.append(dialog);
  dialog.showModal();
}
