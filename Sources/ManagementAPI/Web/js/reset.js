// The installer admin's password is lost: whoever stands at the box, with its set-up code, sets a new one.
import { api } from './api.js';
import { h } from './dom.js';
import { bind, field, wrong } from './form.js';
import { button, gateCard } from './parts.js';

const LEAST = 12;

export function reset(gate, enter, back) {
  const code = field({ label: 'Set-up code', pointer: '/setupCode', hint: 'On the label under the box.', autocomplete: 'one-time-code', autocapitalize: 'characters', testid: 'reset-code', placeholder: 'XXXX-XXXX', class: 'mono' });
  const password = field({ label: 'New password', pointer: '/password', type: 'password', hint: `At least ${LEAST} characters; a few words are easier to keep than signs.`, autocomplete: 'new-password', testid: 'reset-password', maxlength: 256 });
  const save = button('Set the password', { look: 'primary wide', type: 'submit', testid: 'reset-submit' });
  const form = h('form', {}, h('p', {}, 'An employee asks the company’s administrator for a new invitation.'), h('p', {}, 'The installer admin: press the button on the box (or run ', h('code', {}, 'gatehouse reset-password'), ' on it), then enter the set-up code within ten minutes. The second factor is switched off, and all other sign-ins end.'), code.el, password.el, h('div', { class: 'actions' }, save));
  bind(form, { fields: [code, password], button: save, busy: 'Setting…', async submit() {
    if (!code.given) throw wrong(code, 'Enter the set-up code.');
    if (password.value.length < LEAST) throw wrong(password, `The password needs at least ${LEAST} characters; this one has ${password.value.length}.`);
    await enter(await api.post('/session/reset', { setupCode: code.given, password: password.value }, { gate: false }));
  } });
  gateCard(gate, 'A new password', '', form, h('p', { class: 'gate-more' }, button('Back', { look: 'quiet', onClick: back })));
  document.title = 'A new password - Gatehouse';
  code.focus();
}
