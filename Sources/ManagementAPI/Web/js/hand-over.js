// Handing a site over: to whom, with which permissions asked for, and what became of it.
import { api } from './api.js';
import { toast } from './dialog.js';
import { fill, h, icon } from './dom.js';
import { bind, choice, field, wrong } from './form.js';
import { when } from './format.js';
import { language, LANGUAGES, tr } from './language.js';
import { button, card, problemBox, sentence } from './parts.js';
import { wishFields, wishWords } from './wishes.js';

const STATES = { pending: tr`waits for an answer`, accepted: tr`accepted`, refused: tr`refused`, void: tr`void` };

/** What was sent: the link, to copy, or to write to its recipient. */
export function sentLink(sent, { testid, isMail, subject, note }) {
  const address = `${location.origin}${sent.path}`;
  const code = h('code', { 'data-testid': testid }, address);
  return [sentence(sent.delivery.sent ? 'ok' : 'attention', sent.delivery.sentence), h('p', {}, sent.delivery.sent ? tr`This is the link, should it not arrive. It is shown only now, ${note}.` : tr`Send this link to ${sent.recipient}. It is shown only now, ${note}.`), h('p', { class: 'wrap' }, code),
    h('div', { class: 'row wrap' }, button(tr`Copy`, { look: 'small', iconName: 'copy', async onClick() { try { await navigator.clipboard.writeText(address); toast(tr`Copied.`); } catch { getSelection().selectAllChildren(code); } } }),
      h('a', { class: 'button small', href: isMail ? `mailto:${encodeURIComponent(sent.recipient)}?subject=${encodeURIComponent(subject)}&body=${encodeURIComponent(address)}` : `sms:${encodeURIComponent(sent.recipient)}?body=${encodeURIComponent(address)}` }, isMail ? tr`Write the e-mail` : tr`Write the message`))];
}

export async function handOverCard({ site, path, devices, channels, redraw, sent: kept }) {
  const { items } = await api.get(`${path}/handovers`);
  // As long as it is the one that waits for an answer.
  const link = items.some((one) => one.state === 'pending' && one.id === kept.handover?.id) && kept.handover;
  const linkParts = (sent) => sentLink(sent, { testid: 'handover-link', isMail: sent.way === 'email', subject: site.name, note: tr`and good until they answer or you send another one` });
  const made = h('div', { class: 'stack made kept', 'aria-live': 'polite' }, link && linkParts(link));
  const message = h('div', { class: 'form-message', role: 'alert' });
  const past = h('ul', { class: 'plain-list people', 'data-testid': 'handovers' }, items.slice(0, 5).map((one) => h('li', { 'data-state': one.state }, icon(one.state === 'pending' ? 'clock' : one.state === 'accepted' ? 'check' : 'dash'),
    h('span', {}, h('span', { class: 'strong' }, one.recipient), h('span', { class: 'muted small' }, [when(one.createdAt), STATES[one.state], ...one.permissions.map((w) => wishWords(w, devices, channels))].join(' · '))),
    one.state === 'pending' && button(tr`Take back`, { look: 'small', testid: 'handover-withdraw', async onClick() { fill(message); try { await api.delete(`${path}/handovers`); await redraw(); } catch (problem) { fill(message, problemBox(problem)); } } }))));
  const way = choice({ label: tr`How you reach the owner`, value: 'email', testid: 'handover-way', options: [{ value: 'email', label: tr`E-mail` }, { value: 'phone', label: tr`Phone` }], onChange: shape });
  const recipient = field({ label: tr`E-mail address`, pointer: '/recipient', maxlength: 254, autocomplete: 'off', testid: 'handover-recipient' });
  function shape() {
    const isMail = way.value === 'email';
    recipient.el.querySelector('label').firstChild.textContent = isMail ? tr`E-mail address` : tr`Phone number`;
    recipient.input.type = isMail ? 'email' : 'tel';
  }
  const remarks = field({ label: tr`Remarks`, pointer: '/remarks', type: 'area', rows: 2, optional: true, maxlength: 1000, testid: 'handover-remarks', hint: tr`The owner reads them before they accept.` });
  const tongue = field({ label: tr`Language of the message`, pointer: '/language', type: 'select', value: language, options: LANGUAGES, testid: 'handover-language' });
  const wishes = wishFields({ devices, channels, testid: 'handover', ticked: ['configuration', 'live-view'] });
  const tenant = h('input', { type: 'checkbox', 'data-testid': 'handover-control' });
  const save = button(site.status === 'to-be-accepted' ? tr`Send again` : tr`Hand over`, { look: 'primary', type: 'submit', testid: 'handover-submit' });
  const form = h('form', { class: 'stack' }, way.el, recipient.el, tongue.el, remarks.el, h('p', { class: 'muted small' }, tr`What you ask for here is yours when the owner accepts. Whatever you do not ask for you cannot do any more.`), wishes.el,
    h('label', { class: 'check' }, tenant, h('span', {}, h('span', { class: 'strong' }, tr`Allow me to disable remote use`), h('span', { class: 'muted small' }, tr`For tenants: you can switch the owner’s use of devices off, and nobody can take the devices off the box.`))),
    h('div', { class: 'actions' }, save));
  bind(form, { fields: [recipient, remarks, ...wishes.fields], button: save, busy: tr`Sending…`, async submit() {
    if (!recipient.given) throw wrong(recipient, way.value === 'email' ? tr`Enter the owner’s e-mail address.` : tr`Enter the owner’s phone number.`);
    wishes.check();
    const sent = await api.post(`${path}/handovers`, { way: way.value, recipient: recipient.given, language: tongue.value, permissions: wishes.read(), allowRemoteUseControl: tenant.checked, ...(remarks.given && { remarks: remarks.given }) });
    kept.handover = sent;
    fill(made, linkParts(sent));
    await redraw().catch(() => {}); // it was sent, whatever else cannot be shown
  } });
  // Another link makes the one that waits void: it is not sent by the same button again.
  const shown = site.status === 'to-be-accepted' ? h('details', { class: 'more' }, h('summary', { 'data-testid': 'handover-again' }, tr`Send another link`), form) : form;
  return card(tr`Hand over to the owner`, h('p', { class: 'muted small' }, tr`The owner gets a link, makes an account and accepts, or refuses. At most five times a day.`), made, shown, message, past);
}
