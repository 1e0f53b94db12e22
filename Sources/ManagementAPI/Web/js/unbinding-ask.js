// A device that cannot be added because it is bound to another site: what to do about it, right beside the failure.
import { api } from './api.js';
import { fill, h, icon } from './dom.js';
import { bind, field } from './form.js';
import { when } from './format.js';
import { tr } from './language.js';
import { button, facts, link, problemBox, sentence } from './parts.js';
import { possessionButton } from './possession.js';
import { on } from './store.js';
import { proofFields } from './unbinding-proofs.js';

/** What identifies a device, as rows of facts. */
export const identityFacts = ({ model, serialNumber, macAddress }) => [
  model && [tr`Model`, model], serialNumber && [tr`Serial number`, h('code', { class: 'wrap' }, serialNumber)], macAddress && [tr`Hardware address`, h('code', {}, macAddress)]];

export const toldWords = () => tr`The owner and the box’s administrators are told. You hear when it is decided.`;

/** `path` is that of the device in its onboarding; `taken(item)` hears how it stands when it is tried again. */
export function unbindingOffer({ item, path, taken }) {
  const bound = item.boundDevice;
  const said = h('div', { role: 'status' });
  const place = h('div', {});
  const message = h('div', { class: 'form-message', role: 'alert' });
  const open = button(tr`Ask for it to be unbound`, { iconName: 'unplug', testid: `unbind-ask-${item.index}`, 'aria-expanded': 'false', onClick() {
    open.setAttribute('aria-expanded', 'true');
    first.hidden = true;
    const form = askForm({ bound, path, done: draw, close() { fill(place); first.hidden = false; open.setAttribute('aria-expanded', 'false'); open.focus(); } });
    fill(place, form);
    form.querySelector('input').focus();
  } });
  // To show it is the shorter way: nobody else has to decide.
  const first = h('div', { class: 'row wrap' }, possessionButton({ item, path, taken, message }), open);
  const el = h('div', { class: 'stack', 'data-testid': 'unbinding-offer' }, said, first, message, place);

  /** Says how the newest request for this device stands. */
  function draw(request) {
    const complete = request?.state === 'in-progress' && request.missing.length === 0;
    const list = link('#/unbindings', 'more-link', tr`To the requests`, icon('next'));
    if (complete) fill(said, sentence('ok', tr`It was asked for ${when(request.createdAt)}. ${toldWords()}`, list));
    else if (request?.state === 'to-be-confirmed') fill(said, sentence('ok', tr`It is unbound. Try again now to add it.`));
    else if (request?.state === 'refused') fill(said, sentence('attention', tr`It is not unbound: ${request.reason ?? ''}`, list));
    else fill(said);
    const settled = complete || request?.state === 'to-be-confirmed';
    if (settled) fill(place);
    first.hidden = settled || Boolean(place.firstChild);
  }
  const same = (r) => r.isOwn && (bound.serialNumber ? r.serialNumber === bound.serialNumber : r.macAddress === bound.macAddress);
  async function look() {
    try { draw((await api.get('/unbindings')).items.find(same)); } catch (problem) { fill(said, problemBox(problem)); }
  }
  const off = on('notices', () => { if (el.isConnected) look(); else off(); });
  look();
  return el;
}

function askForm({ bound, path, done, close }) {
  const proofs = proofFields('unbind');
  proofs.need(['label']);
  const remarks = field({ label: tr`Remarks`, pointer: '/remarks', type: 'area', rows: 2, optional: true, maxlength: 1000, testid: 'unbind-remarks', hint: tr`Who decides reads them: how you came by the device, and whom to call.` });
  const send = button(tr`Send the request`, { look: 'primary', type: 'submit', testid: 'unbind-send' });
  const form = h('form', { class: 'again', 'data-testid': 'unbind-form' }, h('h3', {}, tr`Ask for it to be unbound`),
    facts(identityFacts(bound)), h('p', { class: 'muted small' }, tr`It belongs to another site of this box. Its owner, or the box’s administrators, can take it off there when they see that you have it.`),
    proofs.fields.map((f) => f.el), remarks.el, h('div', { class: 'actions' }, button(tr`Cancel`, { testid: 'unbind-cancel', onClick: close }), send));
  let request = null;
  bind(form, { fields: [...proofs.fields, remarks], button: send, busy: tr`Sending…`, async submit() {
    const absent = proofs.lacking(request?.missing ?? ['label']);
    if (absent) throw absent;
    request ??= await api.post(`${path}/unbinding`, { ...(remarks.given && { remarks: remarks.given }) });
    proofs.need(request.missing);
    remarks.el.hidden = true; // they are sent
    request = await proofs.send(request);
    proofs.need(request.missing);
    const left = proofs.lacking(request.missing);
    if (left) throw left;
    done(request);
  } });
  return form;
}
