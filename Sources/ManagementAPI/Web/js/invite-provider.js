// Service providers whom the owner of a site invites to look after devices, where nobody does.
import { api, seg } from './api.js';
import { toast } from './dialog.js';
import { fill, h, icon } from './dom.js';
import { bind, field, wrong } from './form.js';
import { when } from './format.js';
import { sentLink } from './hand-over.js';
import { language, LANGUAGES, tr } from './language.js';
import { button, card, problemBox } from './parts.js';
import { wishFields, wishWords } from './wishes.js';

const STATES = { pending: tr`waits for an answer`, accepted: tr`accepted`, refused: tr`refused`, ended: tr`over` };
const ICONS = { pending: 'clock', accepted: 'check' };

export async function inviteCard(state) {
  const { site, path, can, redraw, devices, channels } = state;
  if (!can('grant')) return null;
  const { items } = await api.get(`${path}/provider-invitations`);
  if (site.authorizedAt && items.length === 0) return null;
  const message = h('div', { class: 'form-message', role: 'alert' });
  const list = h('ul', { class: 'plain-list people', 'data-testid': 'provider-invitations' }, items.slice(0, 10).map((one) => h('li', { 'data-state': one.state }, icon(ICONS[one.state] ?? 'dash'),
    h('span', {}, h('span', { class: 'strong' }, one.company ?? one.recipient), h('span', { class: 'muted small' }, [tr`${STATES[one.state]} since ${when(one.decidedAt ?? one.createdAt)}`, ...one.permissions.map((w) => wishWords(w, devices, channels))].join(' · '))),
    one.state === 'pending' && button(tr`Take back`, { look: 'small', testid: 'provider-invitation-back', async onClick() {
      fill(message);
      try { await api.delete(`${path}/provider-invitations/${seg(one.id)}`); toast(tr`Taken back.`); await redraw(); } catch (problem) { fill(message, problemBox(problem)); }
    } }))));
  return card(tr`Invite a service provider`, !site.authorizedAt && h('p', { class: 'muted small' }, tr`Nobody looks after this site for you. Whoever accepts sees which devices there are, and does what you choose here; you can take it back at any time.`), list, message, !site.authorizedAt && inviteForm(state));
}

function inviteForm({ site, path, devices, channels }) {
  const recipient = field({ label: tr`E-mail address of the service provider`, pointer: '/recipient', type: 'email', maxlength: 254, autocomplete: 'off', testid: 'invite-recipient' });
  const tongue = field({ label: tr`Language of the message`, pointer: '/language', type: 'select', value: language, options: LANGUAGES, testid: 'invite-language' });
  const remarks = field({ label: tr`Remarks`, pointer: '/remarks', type: 'area', rows: 2, optional: true, maxlength: 1000, testid: 'invite-remarks', hint: tr`Such as what does not work.` });
  const wishes = wishFields({ devices, channels, testid: 'invite', ticked: ['configuration', 'live-view'] });
  const made = h('div', { class: 'stack made', 'aria-live': 'polite' });
  const save = button(tr`Invite|a service provider`, { look: 'primary', type: 'submit', testid: 'invite-submit' });
  const form = h('form', { class: 'stack' }, recipient.el, tongue.el, wishes.el, remarks.el, h('div', { class: 'actions' }, save), made);
  bind(form, { fields: [recipient, remarks, ...wishes.fields], button: save, busy: tr`Sending…`, async submit() {
    if (!recipient.given) throw wrong(recipient, tr`Enter the service provider’s e-mail address.`);
    wishes.check({ some: true });
    const sent = await api.post(`${path}/provider-invitations`, { recipient: recipient.given, language: tongue.value, permissions: wishes.read(), ...(remarks.given && { remarks: remarks.given }) });
    fill(made, sentLink(sent, { testid: 'invite-link', isMail: true, subject: site.name, note: tr`and good for three days` }));
  } });
  return h('details', {}, h('summary', { 'data-testid': 'invite-provider' }, tr`Invite|a service provider`), form);
}
