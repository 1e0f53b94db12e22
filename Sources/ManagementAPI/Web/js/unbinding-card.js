// One request to unbind a device: what proves it, and what can be done about it.
import { api, seg } from './api.js';
import { ask, toast } from './dialog.js';
import { fill, h, icon } from './dom.js';
import { bind, field, wrong } from './form.js';
import { tr } from './language.js';
import { button, facts, link, problemBox, sentence, time } from './parts.js';
import { may, sitesToAddTo } from './store.js';
import { identityFacts, toldWords } from './unbinding-ask.js';
import { proofFields } from './unbinding-proofs.js';

export const STATES = {
  'in-progress': { word: tr`In progress`, tone: 'busy', icon: 'clock' },
  'to-be-confirmed': { word: tr`To be confirmed`, tone: 'busy', icon: 'bell' },
  closed: { word: tr`Closed|a request`, tone: 'ok', icon: 'check' },
  refused: { word: tr`Refused|a request`, tone: 'trouble', icon: 'cross' },
  withdrawn: { word: tr`Withdrawn|a request`, tone: 'plain', icon: 'dash' },
};
const whatOf = (r) => [r.model, r.serialNumber ?? r.macAddress].filter(Boolean).join(' ');

/** `redraw` is called with the request’s ID when something was done. */
export function unbindingCard(request, redraw) {
  const r = request;
  const path = `/unbindings/${seg(r.id)}`;
  const state = STATES[r.state] ?? STATES['in-progress'];
  const message = h('div', { class: 'form-message', role: 'alert' });
  const act = async (what, done) => { fill(message); try { await what(); toast(done); await redraw(r.id); } catch (problem) { fill(message, problemBox(problem)); } };
  const told = [...identityFacts({ ...r, model: r.model && r.serialNumber ? null : r.model }), [tr`Address in the network`, r.address], [tr`Asked`, time(r.createdAt), r.onSite ? tr`, in the box’s own network` : tr`, from elsewhere`], r.remarks && [tr`Remarks`, h('span', { class: 'multiline' }, r.remarks)],
    r.proofs.includes('device-file') && [tr`File from the device`, h('a', { href: `/api/v1${path}/device-file`, target: '_blank', rel: 'noopener', 'data-testid': 'unbinding-file' }, tr`Look at it`)]];
  const bound = r.site && [[tr`Bound to`, [r.site, r.city, r.region].filter(Boolean).join(', ')], [tr`Owner`, r.owner ?? tr`not handed over`], r.device && [tr`Device`, r.device]];
  const decided = [r.decidedAt && [tr`Decided`, time(r.decidedAt), r.decidedBy && tr`, by ${r.decidedBy}`], r.reason && [tr`Reason`, r.reason], r.closedAt && [r.state === 'withdrawn' ? tr`Withdrawn` : tr`Closed`, time(r.closedAt)]];
  return h('section', { class: 'card stack unbinding', 'data-testid': 'unbinding', 'data-state': r.state, 'data-id': r.id },
    h('div', { class: 'row between top' }, h('h2', { tabindex: -1 }, r.model ?? whatOf(r)), h('span', { class: `chip ${state.tone}` }, icon(state.icon), state.word)),
    h('p', {}, tr`${r.requestedBy} (${r.company}) has the device and wants to add it to ${r.targetSite}.`),
    h('div', { class: 'unbinding-body' }, r.proofs.includes('label') && labelPhoto(r, path), facts([...told, ...(bound || []), ...decided])),
    r.mayDecide && decision(r, path, act), r.isOwn && may('configure') && ownPart(r, path, act, redraw), message);
}

function labelPhoto(r, path) {
  const words = tr`Label of ${whatOf(r)}`;
  const src = `/api/v1${path}/label`;
  return h('button', { type: 'button', class: 'proof-button', 'aria-label': tr`${words}: show it large`, 'data-testid': 'unbinding-photo', onClick() {
    const dialog = h('dialog', { class: 'dialog large-picture', 'aria-label': words, 'data-testid': 'unbinding-large', onClose: () => dialog.remove() },
      h('img', { src, alt: words }), h('div', { class: 'actions' }, h('a', { class: 'button', href: src, target: '_blank', rel: 'noopener' }, tr`By itself`), button(tr`Close`, { testid: 'unbinding-large-close', onClick: () => dialog.close() })));
    document.body.append(dialog);
    dialog.showModal();
  } }, h('img', { class: 'proof', src, alt: '', loading: 'lazy' }));
}

function decision(r, path, act) {
  const effect = tr`Takes ${r.device ?? whatOf(r)} off ${r.site ?? ''}, with its settings and plan; footage in the cloud stays until its retention ends.`;
  const reason = field({ label: tr`Reason`, pointer: '/reason', type: 'area', rows: 2, maxlength: 500, testid: 'unbinding-reason', hint: tr`Who asked reads it.` });
  const usual = button(tr`It is not bound to any account`, { look: 'small', testid: 'unbinding-not-bound', onClick() { reason.value = tr`It is not bound to any account.`; reason.error(null); reason.focus(); } });
  const save = button(tr`Refuse`, { type: 'submit', testid: 'unbinding-refuse-send' });
  const form = h('form', { class: 'again', hidden: true }, reason.el, h('div', { class: 'row wrap' }, usual), h('div', { class: 'actions' }, button(tr`Cancel`, { onClick: () => show(false) }), save));
  bind(form, { fields: [reason], button: save, busy: tr`Refusing…`, async submit() {
    if (!reason.given) throw wrong(reason, tr`Say why: who asked reads it.`);
    const body = { reason: reason.given };
    await act(() => api.post(`${path}/refuse`, body), tr`Refused. Who asked is told.`);
  } });
  const refuse = button(tr`Refuse`, { testid: 'unbinding-refuse', 'aria-expanded': 'false', onClick: () => show(form.hidden) });
  function show(shown) {
    form.hidden = !shown;
    refuse.setAttribute('aria-expanded', String(shown));
    (shown ? reason : refuse).focus();
  }
  const unbind = button(tr`Unbind`, { look: 'primary', iconName: 'unplug', testid: 'unbinding-unbind', async onClick() {
    if (await ask({ title: tr`Unbind ${r.device ?? whatOf(r)}?`, text: effect, action: tr`Unbind` })) await act(() => api.post(`${path}/unbind`), tr`Unbound. Who asked is told.`);
  } });
  return h('div', { class: 'stack' }, h('p', { class: 'muted small' }, effect), h('div', { class: 'row wrap' }, unbind, refuse), form);
}

/** What who asked can do. */
function ownPart(r, path, act, redraw) {
  if (r.state === 'to-be-confirmed') {
    const site = sitesToAddTo().find((one) => one.id === r.targetSiteId);
    return h('div', { class: 'stack' }, sentence('ok', tr`It is unbound. Add it to ${r.targetSite} now; that confirms it as well.`), h('div', { class: 'row wrap' },
      site && link(`#/add/find?site=${seg(site.id)}`, 'button primary', icon('plus'), h('span', {}, tr`Add it`)),
      button(tr`Confirm`, { testid: 'unbinding-confirm', onClick: () => act(() => api.post(`${path}/confirm`), tr`Confirmed.`) })));
  }
  if (r.state !== 'in-progress') return null;
  const withdraw = button(tr`Withdraw`, { testid: 'unbinding-withdraw', onClick: () => act(() => api.delete(path), tr`Withdrawn.`) });
  if (r.missing.length === 0) return h('div', { class: 'stack' }, !r.mayDecide && h('p', { class: 'muted small' }, toldWords()), h('div', { class: 'row wrap' }, withdraw));
  const proofs = proofFields('unbinding');
  proofs.need(r.missing);
  const send = button(tr`Send`, { look: 'primary', type: 'submit', testid: 'unbinding-send' });
  const form = h('form', { class: 'again' }, proofs.fields.map((f) => f.el), h('div', { class: 'actions' }, withdraw, send));
  let latest = r;
  bind(form, { fields: proofs.fields, button: send, busy: tr`Sending…`, async submit() {
    const absent = proofs.lacking(latest.missing);
    if (absent) throw absent;
    try { latest = await proofs.send(latest); } finally { proofs.need(latest.missing); }
    toast(toldWords());
    await redraw(r.id);
  } });
  return h('div', { class: 'stack' }, sentence('attention', tr`Nobody has been told yet: what proves that you have the device is missing. After a day without it the request is given up.`), form);
}
