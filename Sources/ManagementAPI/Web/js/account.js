// One's own account: password, second factor, where one is signed in, keys for programs.
import { api, seg } from './api.js';
import { newPasswordField } from './credentials.js';
import { toast } from './dialog.js';
import { fill, h, icon } from './dom.js';
import { bind, field, wrong } from './form.js';
import { when } from './format.js';
import { title } from './navigate.js';
import { button, card, facts, head } from './parts.js';
import { store } from './store.js';

export async function accountPage({ root }) {
  title('Your account');
  const [{ user }, sessions, keys, contact] = await Promise.all([api.get('/session'), api.get('/sessions'), api.get('/keys'), api.get('/session/contact')]);
  store.user = user;
  fill(root, head('Your account'), h('div', { class: 'columns' },
    card('You', facts([['User name', user.name], ['Role', user.role], ['One-time password', user.asksOneTimePassword ? 'asked for' : 'not asked for']])),
    contactCard(contact), passwordCard(), factorCard(user), sessionsCard(sessions.items), keysCard(user, keys.items)));
}

function contactCard(contact) {
  const email = field({ label: 'E-mail address', pointer: '/email', type: 'email', value: contact.email ?? '', optional: true, maxlength: 254, autocomplete: 'email', testid: 'contact-email',
    hint: contact.mails ? 'What you are told comes there, too.' : 'This box sends no e-mail yet; whoever looks after it can set that up.' });
  const language = field({ label: 'Language of what you are told', pointer: '/language', type: 'select', value: contact.language, options: [['en', 'English'], ['it', 'Italiano']], testid: 'contact-language' });
  const save = button('Save', { type: 'submit', testid: 'contact-save' });
  const form = h('form', { class: 'stack' }, email.el, language.el, h('div', { class: 'actions' }, save));
  bind(form, { fields: [email, language], button: save, busy: 'Saving…', async submit() {
    await api.put('/session/contact', { email: email.given, language: language.value });
    toast('Saved.');
  } });
  return card('How you are told', form);
}

function passwordCard() {
  const current = field({ label: 'Present password', pointer: '/password', type: 'password', autocomplete: 'current-password', testid: 'password-current' });
  const next = newPasswordField({ label: 'New password', pointer: '/newPassword', testid: 'password-new' });
  const save = button('Change password', { type: 'submit', testid: 'password-save' });
  const form = h('form', { class: 'stack' }, current.el, next.el, h('div', { class: 'actions' }, save));
  bind(form, { fields: [current, next], button: save, busy: 'Changing…', async submit() {
    if (!current.value) throw wrong(current, 'Enter your present password.');
    await api.patch('/session/password', { password: current.value, newPassword: next.read() });
    current.value = next.value = '';
    toast('Changed. All other sign-ins and keys have ended.');
  } });
  return card('Password', form);
}

function factorCard(user) {
  const place = h('div', { class: 'stack' });
  const ask = (text, label, run, look = 'plain') => {
    const password = field({ label: 'Password', pointer: '/password', type: 'password', autocomplete: 'current-password', testid: 'factor-password' });
    const save = button(label, { type: 'submit', look, testid: 'factor-submit' });
    const form = h('form', { class: 'stack' }, h('p', {}, text), password.el, h('div', { class: 'actions' }, save));
    bind(form, { fields: [password], button: save, async submit() {
      if (!password.value) throw wrong(password, 'Enter your password.');
      await run(password.value);
    } });
    fill(place, form);
  };
  const off = () => ask('An app on your telephone makes a one-time password each half minute; then nobody signs in with your password alone.', 'Set up', async (password) => {
    const secret = await api.post('/session/one-time-passwords', { password });
    const code = field({ label: 'One-time password', pointer: '/oneTimePassword', inputmode: 'numeric', autocomplete: 'one-time-code', maxlength: 8, testid: 'factor-code', hint: 'The one that the app shows now.' });
    const save = button('Confirm', { type: 'submit', look: 'primary', testid: 'factor-confirm' });
    const form = h('form', { class: 'stack' }, h('p', {}, 'Give this secret to the app, or open it on the telephone:'), h('p', { class: 'wrap' }, h('code', { 'data-testid': 'factor-secret' }, secret.secret)),
      h('p', {}, h('a', { href: secret.url }, 'Open in the app')), code.el, h('div', { class: 'actions' }, save));
    bind(form, { fields: [code], button: save, async submit() {
      if (!code.given) throw wrong(code, 'Enter the one-time password.');
      await api.put('/session/one-time-passwords', { oneTimePassword: code.given.replaceAll(' ', '') });
      toast('One-time passwords are asked for from now on.');
      on();
    } });
    fill(place, form);
  });
  const on = () => ask('One-time passwords are asked for when you sign in.', 'Switch off', async (password) => {
    await api.delete('/session/one-time-passwords', { body: { password } });
    toast('One-time passwords are no longer asked for.');
    off();
  });
  if (user.asksOneTimePassword) on(); else off();
  return card('Second factor', place);
}

function sessionsCard(items) {
  const list = h('ul', { class: 'plain-list people', 'data-testid': 'sessions' });
  const draw = () => fill(list, items.map((s) => h('li', {}, icon('device'), h('span', {}, h('span', { class: 'strong' }, s.isThis ? 'This browser' : browser(s.client)), h('span', { class: 'muted small' }, `${s.address || 'unknown address'} · since ${when(s.createdAt)} · used ${when(s.lastUsedAt)}`)),
    !s.isThis && button('End', { look: 'small', 'aria-label': `End the sign-in from ${s.address}`, async onClick() { await api.delete(`/sessions/${seg(s.id)}`).catch(() => {}); items = (await api.get('/sessions')).items; draw(); } }))));
  draw();
  return card('Where you are signed in', list);
}

function browser(client) {
  const name = /(Firefox|Edg|OPR|Chrome|Safari|curl|gatehouse)/.exec(client)?.[1];
  return { Edg: 'Edge', OPR: 'Opera' }[name] ?? name ?? 'A program';
}

function keysCard(user, items) {
  const list = h('ul', { class: 'plain-list people', 'data-testid': 'keys' });
  const made = h('div', { class: 'stack made', 'aria-live': 'polite' });
  const name = field({ label: 'What it is for', pointer: '/name', maxlength: 64, autocomplete: 'off', testid: 'key-name' });
  const days = field({ label: 'Good for', pointer: '/days', type: 'select', options: [['30', '30 days'], ['90', '90 days'], ['366', 'a year']], value: '90', testid: 'key-days' });
  const password = field({ label: 'Password', pointer: '/password', type: 'password', autocomplete: 'current-password', testid: 'key-password' });
  const boxes = user.permissions.map((code) => { const input = h('input', { type: 'checkbox', value: code, 'data-testid': `key-${code}` }); return { input, el: h('label', { class: 'check' }, input, h('span', {}, code.replaceAll('-', ' '))) }; });
  const save = button('Make key', { type: 'submit', testid: 'key-submit' });
  const form = h('form', { class: 'stack' }, name.el, days.el, h('fieldset', { class: 'checks' }, h('legend', {}, 'May'), boxes.map((b) => b.el)), password.el, h('div', { class: 'actions' }, save));
  const draw = () => fill(list, items.map((k) => h('li', {}, icon('key'), h('span', {}, h('span', { class: 'strong' }, k.name), h('span', { class: 'muted small' }, `${k.permissions.map((p) => p.replaceAll('-', ' ')).join(', ')} · until ${when(k.expiresAt)}${k.lastUsedAt ? ` · used ${when(k.lastUsedAt)}` : ' · never used'}`)),
    button('Remove', { look: 'small', 'aria-label': `Remove the key ${k.name}`, async onClick() { await api.delete(`/keys/${seg(k.id)}`).catch(() => {}); await refresh(); } }))));
  async function refresh() { items = (await api.get('/keys')).items; draw(); }
  bind(form, { fields: [name, days, password], button: save, busy: 'Making…', async submit() {
    if (!name.given) throw wrong(name, 'Say what the key is for.');
    const permissions = boxes.filter((b) => b.input.checked).map((b) => b.input.value);
    if (permissions.length === 0) throw wrong(name, 'Choose at least one permission.');
    if (!password.value) throw wrong(password, 'Enter your password.');
    const key = await api.post('/keys', { name: name.given, permissions, days: Number(days.value), password: password.value });
    password.value = '';
    fill(made, h('p', {}, 'The key, which is shown only now. Programs send it as “Authorization: Bearer …”.'), h('p', { class: 'wrap' }, h('code', { 'data-testid': 'key-made' }, key.key)));
    name.value = '';
    await refresh();
  } });
  draw();
  return card('Keys for programs', list, made, h('details', {}, h('summary', { 'data-testid': 'key-new' }, 'Make a key'), form));
}
