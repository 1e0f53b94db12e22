// Devices that go to another site of the same owner: chosen, asked for, decided.
import { api, seg } from './api.js';
import { ask, toast } from './dialog.js';
import { fill, h, icon } from './dom.js';
import { bind, field, wrong } from './form.js';
import { full, when } from './format.js';
import { tr } from './language.js';
import { button, card, problemBox } from './parts.js';
import { resync, store } from './store.js';

const STATES = { pending: tr`waits for the owner`, moved: tr`moved`, refused: tr`refused`, withdrawn: tr`taken back`, expired: tr`nobody decided within seven days` };
const AGAIN = ['refused', 'withdrawn', 'expired'];

export async function moveCards(state) {
  const { items } = await api.get(`${state.path}/device-moves`);
  const form = formCard(state);
  return [items.length > 0 && listCard(state, items, form), form && form.el].filter(Boolean);
}

function listCard({ can, redraw }, items, form) {
  const message = h('div', { class: 'form-message', role: 'alert' });
  const act = async (what, done) => { fill(message); try { await what(); toast(done); await resync(); await redraw(); } catch (problem) { fill(message, problemBox(problem)); } };
  return card(items.some((move) => move.state === 'pending') ? tr`Devices on their way` : tr`Devices that were to move`, h('ul', { class: 'plain-list people', 'data-testid': 'moves' }, items.slice(0, 10).map((move) => {
    const path = `/device-moves/${seg(move.id)}`;
    const pending = move.state === 'pending';
    return h('li', { 'data-state': move.state }, icon(pending ? 'bell' : move.state === 'moved' ? 'check' : 'dash'), h('div', { class: 'stack tight' },
      h('span', { class: 'strong' }, tr`${move.devices.join(', ')}: from ${move.from} to ${move.to}`),
      h('span', { class: 'muted small' }, `${move.appliedBy}, ${when(move.createdAt)} · ${pending && can('grant') ? tr`waits for you` : STATES[move.state]}${pending ? tr`, until ${full(move.expiresAt)}` : ''}`), move.remarks && h('span', { class: 'block-line' }, `“${move.remarks}”`),
      AGAIN.includes(move.state) && can('apply') && form && form.holds(move) && h('div', { class: 'row' }, button(tr`Ask again`, { look: 'small', testid: 'move-again', onClick: () => form.fillIn(move) })),
      pending && h('div', { class: 'row wrap' },
        can('grant') && button(tr`Approve`, { look: 'primary small', testid: 'move-approve', onClick: () => act(() => api.post(`${path}/approve`), tr`Moved.`) }),
        can('grant') && button(tr`Refuse`, { look: 'small', testid: 'move-refuse', onClick: () => act(() => api.post(`${path}/refuse`), tr`Refused.`) }),
        can('apply') && button(tr`Take back`, { look: 'small', testid: 'move-back', onClick: () => act(() => api.delete(path), tr`Taken back.`) }))));
  })), message);
}

function formCard({ site, devices, can, redraw }) {
  // Of the same owner, or of none as this one.
  const others = store.sites.filter((s) => s.id !== site.id && s.owner === site.owner && s.company === site.company);
  if (others.length === 0 || devices.length === 0 || !(can('grant') || can('apply') || can('configure'))) return null;
  const decides = can('grant') || !site.owner;
  const boxes = devices.map((device) => ({ device, input: h('input', { type: 'checkbox', value: device.id, 'data-testid': `move-${device.name}` }) }));
  const to = field({ label: tr`To|a site`, pointer: '/siteId', type: 'select', options: others.map((s) => [s.id, s.name]), value: others[0].id, testid: 'move-to' });
  const remarks = field({ label: tr`Why`, pointer: '/remarks', type: 'area', rows: 2, optional: true, maxlength: 1000, testid: 'move-remarks' });
  const save = button(decides ? tr`Move` : tr`Ask the owner`, { look: 'primary', type: 'submit', testid: 'move-submit' });
  const form = h('form', { class: 'stack' },
    h('fieldset', { class: 'checks' }, h('legend', {}, tr`Devices`), boxes.map((b) => h('label', { class: 'check' }, b.input, h('span', { class: 'strong' }, b.device.name)))),
    to.el, !decides && remarks.el, h('p', { class: 'muted small' }, tr`What was set for them is void: links to the cloud, plans, motion areas, arming, permissions. Set them anew at the other site.`), h('div', { class: 'actions' }, save));
  bind(form, { fields: [to, remarks], button: save, busy: decides ? tr`Moving…` : tr`Asking…`, async submit() {
    const deviceIds = boxes.filter((b) => b.input.checked).map((b) => b.device.id);
    if (deviceIds.length === 0) throw wrong(to, tr`Choose at least one device.`);
    const name = others.find((s) => s.id === to.value).name;
    if (decides && !await ask({ title: tr`Move to ${name}?`, text: tr`Their plans end, and what was set for them is gone at once.`, action: tr`Move` })) return;
    await api.post('/device-moves', { deviceIds, siteId: to.value, ...(!decides && remarks.given && { remarks: remarks.given }) });
    toast(decides ? tr`Moved to ${name}.` : tr`${site.owner} is asked.`);
    await resync();
    await redraw();
  } });
  const details = h('details', {}, h('summary', { 'data-testid': 'move' }, tr`Move devices to another site`), form);
  return {
    el: card(null, details),
    /** Whether what was asked for once can be asked for still: devices that are here, to a site that is there. */
    holds: (move) => move.fromSiteId === site.id && others.some((s) => s.id === move.toSiteId) && boxes.some((b) => move.deviceIds.includes(b.device.id)),
    fillIn(move) {
      for (const b of boxes) b.input.checked = move.deviceIds.includes(b.device.id);
      to.value = move.toSiteId;
      remarks.value = move.remarks;
      details.open = true;
      save.scrollIntoView({ block: 'nearest' });
      save.focus();
    },
  };
}
