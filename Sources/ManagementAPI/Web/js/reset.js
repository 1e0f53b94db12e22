// A lost password: a code that goes to the account's e-mail address sets a new one, and so does, for the installer admin, the set-up code at the box.
import { api } from './api.js';
import { newPasswordField, setupCodeField } from './credentials.js';
import { fill, h } from './dom.js';
import { bind, field, wrong } from './form.js';
import { tr } from './language.js';
import { title } from './navigate.js';
import { button, gateCard } from './parts.js';

export function reset(gate, enter, back) {
  const byMail = h('div', {});
  askForCode(byMail, back);
  gateCard(gate, tr`A new password`, '', byMail, h('details', {}, h('summary', { 'data-testid': 'reset-at-the-box' }, tr`I am at the box`), atTheBox(enter)),
    h('p', { class: 'gate-more' }, button(tr`Back`, { look: 'quiet', onClick: back })));
  title(tr`A new password`);
}

function askForCode(place, back) {
  const userName = field({ label: tr`User name`, pointer: '/userName', autocomplete: 'username', maxlength: 64, testid: 'forgotten-user' });
  const send = button(tr`Send me a code`, { look: 'primary wide', type: 'submit', testid: 'forgotten-submit' });
  const form = h('form', {}, h('p', {}, tr`A code goes to the e-mail address of your account, if it has one. Without one, an employee asks the company’s administrator for a new invitation.`), userName.el, h('div', { class: 'actions' }, send));
  bind(form, { fields: [userName], button: send, busy: tr`Sending…`, async submit() {
    if (!userName.given) throw wrong(userName, tr`Enter your user name.`);
    await api.post('/session/forgotten', { userName: userName.given }, { gate: false });
    enterCode(place, userName.given, back);
  } });
  fill(place, form);
  userName.focus();
}

function enterCode(place, userName, back) {
  const code = setupCodeField({ label: tr`Code`, pointer: '/code', hint: tr`From the e-mail; it is good for half an hour.`, testid: 'forgotten-code' });
  const password = newPasswordField({ testid: 'forgotten-password', label: tr`New password` });
  const save = button(tr`Set the password`, { look: 'primary wide', type: 'submit', testid: 'forgotten-save' });
  const form = h('form', {}, h('p', { role: 'status' }, tr`If ${userName} has an e-mail address, a code is on its way.`), code.el, password.el, h('div', { class: 'actions' }, save));
  bind(form, { fields: [code, password], button: save, busy: tr`Setting…`, async submit() {
    await api.post('/session/new-password', { userName, code: code.read(), password: password.read() }, { gate: false });
    back();
  } });
  fill(place, form);
  code.focus();
}

function atTheBox(enter) {
  const code = setupCodeField({ hint: tr`On the label under the box.`, testid: 'reset-code' });
  const userName = field({ label: tr`User name`, pointer: '/userName', optional: true, autocomplete: 'username', maxlength: 64, testid: 'reset-user', hint: tr`Only for an account that was named on the box: “gatehouse reset-password --user NAME”. Without it: the installer admin’s.` });
  const password = newPasswordField({ testid: 'reset-password', label: tr`New password` });
  const save = button(tr`Set the password`, { look: 'wide', type: 'submit', testid: 'reset-submit' });
  const form = h('form', {}, h('p', {}, tr`Press the button on the box (or run “gatehouse reset-password” on it), then enter the set-up code within ten minutes. The second factor is switched off, and all sign-ins and keys for programs of this account end.`), code.el, userName.el, password.el, h('div', { class: 'actions' }, save));
  bind(form, { fields: [code, userName, password], button: save, busy: tr`Setting…`, async submit() {
    await enter(await api.post('/session/reset', { setupCode: code.read(), password: password.read(), ...(userName.given && { userName: userName.given }) }, { gate: false }));
  } });
  return form;
}
