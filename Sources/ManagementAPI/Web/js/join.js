// Somebody who was invited makes their account.
import { api } from './api.js';
import { newPasswordField } from './credentials.js';
import { h } from './dom.js';
import { bind, field, wrong } from './form.js';
import { button, gateCard } from './parts.js';

export function join(gate, setup, token, enter) {
  const userName = field({ label: 'User name', pointer: '/userName', hint: 'With it you will sign in.', autocomplete: 'username', testid: 'join-user', maxlength: 64 });
  const fullName = field({ label: 'Your name', pointer: '/fullName', optional: true, autocomplete: 'name', autocapitalize: 'words', testid: 'join-name', maxlength: 64 });
  const password = newPasswordField({ testid: 'join-password' });
  const submitButton = button('Join', { look: 'primary wide', type: 'submit', testid: 'join-submit' });
  const form = h('form', {}, userName.el, fullName.el, password.el, h('div', { class: 'actions' }, submitButton));
  bind(form, { fields: [userName, fullName, password], button: submitButton, busy: 'Joining…', async submit() {
    if (!userName.given) throw wrong(userName, 'Choose a user name.');
    const body = { token, userName: userName.given, password: password.read() };
    if (fullName.given) body.fullName = fullName.given;
    const session = await api.post('/join', body, { gate: false });
    // The link is used up; it must not be what the page comes back to.
    history.replaceState(null, '', '#/cameras');
    await enter(session);
  } });
  gateCard(gate, 'You are invited', [setup.name, setup.serialNumber].filter(Boolean).join(', '), form);
  document.title = 'Join - Gatehouse';
  userName.focus();
}
