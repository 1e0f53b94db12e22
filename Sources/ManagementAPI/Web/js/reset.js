// The installer admin's password is lost: whoever stands at the box, with its set-up code, sets a new one.
import { api } from './api.js';
import { newPasswordField, setupCodeField } from './credentials.js';
import { h } from './dom.js';
import { bind } from './form.js';
import { tr } from './language.js';
import { title } from './navigate.js';
import { button, gateCard } from './parts.js';

export function reset(gate, enter, back) {
  const code = setupCodeField({ hint: tr`On the label under the box.`, testid: 'reset-code' });
  const password = newPasswordField({ testid: 'reset-password', label: tr`New password` });
  const save = button(tr`Set the password`, { look: 'primary wide', type: 'submit', testid: 'reset-submit' });
  const form = h('form', {}, h('p', {}, tr`An employee asks the company’s administrator for a new invitation.`), h('p', {}, tr`The installer admin: press the button on the box (or run “gatehouse reset-password” on it), then enter the set-up code within ten minutes. The second factor is switched off, and all sign-ins and keys for programs of this account end.`), code.el, password.el, h('div', { class: 'actions' }, save));
  bind(form, { fields: [code, password], button: save, busy: tr`Setting…`, async submit() {
    await enter(await api.post('/session/reset', { setupCode: code.read(), password: password.read() }, { gate: false }));
  } });
  gateCard(gate, tr`A new password`, '', form, h('p', { class: 'gate-more' }, button(tr`Back`, { look: 'quiet', onClick: back })));
  title(tr`A new password`);
  code.focus();
}
