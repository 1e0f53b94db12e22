// Somebody who was invited makes their account.
import { api } from './api.js';
import { newPasswordField } from './credentials.js';
import { h } from './dom.js';
import { bind, field, wrong } from './form.js';
import { count, when } from './format.js';
import { tr } from './language.js';
import { title } from './navigate.js';
import { button, gateCard, problemBox } from './parts.js';

export async function join(gate, setup, token, enter) {
  const toSignIn = h('p', { class: 'gate-more' }, h('a', { class: 'button quiet', href: '#/cameras', 'data-testid': 'join-sign-in', onClick: () => setTimeout(() => location.reload()) }, tr`Sign in`));
  title(tr`Join`);
  let offer;
  try { offer = await api.post('/invitation', { token }, { gate: false }); } catch (problem) {
    gateCard(gate, tr`You are invited`, [setup.name, setup.serialNumber].filter(Boolean).join(', '), problemBox(problem), toSignIn);
    return;
  }
  const offered = [tr`${offer.company} invites you. You will be ${offer.role}.`, offer.siteCount > 0 && tr`You will manage ${count(offer.siteCount, 'site')}.`, tr`The invitation is good until ${when(offer.expiresAt)}.`];
  const userName = field({ label: tr`User name`, pointer: '/userName', hint: tr`With it you will sign in.`, autocomplete: 'username', testid: 'join-user', maxlength: 64 });
  const fullName = field({ label: tr`Your name`, pointer: '/fullName', optional: true, autocomplete: 'name', autocapitalize: 'words', testid: 'join-name', maxlength: 64, value: offer.name });
  const password = newPasswordField({ testid: 'join-password' });
  const submitButton = button(tr`Join`, { look: 'primary wide', type: 'submit', testid: 'join-submit' });
  const form = h('form', {}, userName.el, fullName.el, password.el, h('div', { class: 'actions' }, submitButton));
  bind(form, { fields: [userName, fullName, password], button: submitButton, busy: tr`Joining…`, async submit() {
    if (!userName.given) throw wrong(userName, tr`Choose a user name.`);
    const body = { token, userName: userName.given, password: password.read() };
    if (fullName.given) body.fullName = fullName.given;
    const session = await api.post('/join', body, { gate: false });
    // The link is used up; it must not be what the page comes back to.
    history.replaceState(null, '', '#/cameras');
    await enter(session);
  } });
  gateCard(gate, tr`You are invited`, [setup.name, setup.serialNumber].filter(Boolean).join(', '), h('p', { 'data-testid': 'join-offer' }, offered.filter(Boolean).join(' ')), form, toSignIn);
  userName.focus();
}
