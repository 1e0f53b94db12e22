// One's own account: password, second factor, where one is signed in, keys for programs.
import { api, seg } from './api.js';
import { newPasswordField } from './credentials.js';
import { toast } from './dialog.js';
import { fill, h, icon } from './dom.js';
import { bind, field, wrong } from './form.js';
import { count, when } from './format.js';
import { language, LANGUAGES, speak, tr } from './language.js';
import { title } from './navigate.js';
import { button, card, facts, head } from './parts.js';
import { store } from './store.js';
import { mayWord } from './words.js';

export async function accountPage({ root }) {
  title(tr`Your account`);
  const [{ user }, sessions, keys, contact] = await Promise.all([api.get('/session'), api.get('/sessions'), api.get('/keys'), api.get('/session/contact')]);
  store.user = user;
  const out = h('span', { class: 'phone-only' }, button(tr`Sign out`, { look: 'quiet', iconName: 'out', testid: 'account-sign-out', onClick: () => document.getElementById('app').dispatchEvent(new Event('gh-leave')) }));
  fill(root, head(tr`Your account`, out), h('div', { class: 'columns' },
    card(tr`You`, facts([[tr`User name`, user.name], [tr`Role`, user.role], [tr`One-time password`, user.asksOneTimePassword ? tr`asked for` : tr`not asked for`]])),
    languageCard(), contactCard(contact), passwordCard(), factorCard(user), sessionsCard(sessions.items), keysCard(user, keys.items)));
}

function languageCard() {
  const choice = field({ label: tr`Language of this page`, type: 'select', value: language, options: LANGUAGES, testid: 'page-language', hint: tr`In this browser.` });
  choice.input.addEventListener('change', () => speak(choice.value));
  return card(tr`Language|of the page`, choice.el);
}

function contactCard(contact) {
  const email = field({ label: tr`E-mail address`, pointer: '/email', type: 'email', value: contact.email ?? '', optional: true, maxlength: 254, autocomplete: 'email', testid: 'contact-email',
    hint: contact.mails ? tr`What you are told comes there, too.` : tr`This box sends no e-mail yet; whoever looks after it can set that up.` });
  const language = field({ label: tr`Language of what you are told`, pointer: '/language', type: 'select', value: contact.language, options: LANGUAGES, testid: 'contact-language' });
  const password = field({ label: tr`Your password`, pointer: '/password', type: 'password', optional: true, maxlength: 256, autocomplete: 'current-password', testid: 'contact-password' });
  const tell = (recovers) => password.hint(recovers ? tr`A forgotten password is set anew through this address. Another one needs your password for that.` : tr`With it a forgotten password can be set anew through this address.`);
  tell(contact.recovers);
  const save = button(tr`Save`, { type: 'submit', testid: 'contact-save' });
  const form = h('form', { class: 'stack' }, email.el, password.el, language.el, h('div', { class: 'actions' }, save));
  bind(form, { fields: [email, password, language], button: save, busy: tr`Saving…`, async submit() {
    tell((await api.put('/session/contact', { email: email.given, language: language.value, ...(password.value && { password: password.value }) })).recovers);
    password.value = '';
    toast(tr`Saved.`);
  } });
  return card(tr`How you are told`, form);
}

function passwordCard() {
  const current = field({ label: tr`Present password`, pointer: '/password', type: 'password', autocomplete: 'current-password', testid: 'password-current' });
  const next = newPasswordField({ label: tr`New password`, pointer: '/newPassword', testid: 'password-new' });
  const save = button(tr`Change password`, { type: 'submit', testid: 'password-save' });
  const form = h('form', { class: 'stack' }, current.el, next.el, h('div', { class: 'actions' }, save));
  bind(form, { fields: [current, next], button: save, busy: tr`Changing…`, async submit() {
    if (!current.value) throw wrong(current, tr`Enter your present password.`);
    await api.patch('/session/password', { password: current.value, newPassword: next.read() });
    current.value = next.value = '';
    toast(tr`Changed. All other sign-ins and keys have ended.`);
  } });
  return card(tr`Password`, form);
}

function factorCard(user) {
  const place = h('div', { class: 'stack' });
  const ask = (text, label, run, look = 'plain') => {
    const password = field({ label: tr`Password`, pointer: '/password', type: 'password', autocomplete: 'current-password', testid: 'factor-password' });
    const save = button(label, { type: 'submit', look, testid: 'factor-submit' });
    const form = h('form', { class: 'stack' }, h('p', {}, text), password.el, h('div', { class: 'actions' }, save));
    bind(form, { fields: [password], button: save, async submit() {
      if (!password.value) throw wrong(password, tr`Enter your password.`);
      await run(password.value);
    } });
    fill(place, form);
  };
  const off = () => ask(tr`An app on your telephone makes a one-time password each half minute; then nobody signs in with your password alone.`, tr`Set up`, async (password) => {
    const secret = await api.post('/session/one-time-passwords', { password });
    const code = field({ label: tr`One-time password`, pointer: '/oneTimePassword', inputmode: 'numeric', autocomplete: 'one-time-code', maxlength: 8, testid: 'factor-code', hint: tr`The one that the app shows now.` });
    const save = button(tr`Confirm`, { type: 'submit', look: 'primary', testid: 'factor-confirm' });
    const form = h('form', { class: 'stack' }, h('p', {}, tr`Give this secret to the app, or open it on the telephone:`), h('p', { class: 'wrap' }, h('code', { 'data-testid': 'factor-secret' }, secret.secret)),
      h('p', {}, h('a', { href: secret.url }, tr`Open in the app`)), code.el, h('div', { class: 'actions' }, save));
    bind(form, { fields: [code], button: save, async submit() {
      if (!code.given) throw wrong(code, tr`Enter the one-time password.`);
      await api.put('/session/one-time-passwords', { oneTimePassword: code.given.replaceAll(' ', '') });
      toast(tr`One-time passwords are asked for from now on.`);
      on();
    } });
    fill(place, form);
  });
  const on = () => ask(tr`One-time passwords are asked for when you sign in.`, tr`Switch off`, async (password) => {
    await api.delete('/session/one-time-passwords', { body: { password } });
    toast(tr`One-time passwords are no longer asked for.`);
    off();
  });
  if (user.asksOneTimePassword) on(); else off();
  return card(tr`Second factor`, place);
}

function sessionsCard(items) {
  const list = h('ul', { class: 'plain-list people', 'data-testid': 'sessions' });
  const draw = () => fill(list, items.map((s) => h('li', {}, icon('device'), h('span', {}, h('span', { class: 'strong' }, s.isThis ? tr`This browser` : browser(s.client)), h('span', { class: 'muted small' }, tr`${s.address || tr`unknown address`} · since ${when(s.createdAt)} · used ${when(s.lastUsedAt)}`)),
    !s.isThis && button(tr`End`, { look: 'small', 'aria-label': tr`End the sign-in from ${s.address}`, async onClick() { await api.delete(`/sessions/${seg(s.id)}`).catch(() => {}); items = (await api.get('/sessions')).items; draw(); } }))));
  draw();
  return card(tr`Where you are signed in`, list);
}

function browser(client) {
  const name = /(Firefox|Edg|OPR|Chrome|Safari|curl|gatehouse)/.exec(client)?.[1];
  return { Edg: 'Edge', OPR: 'Opera' }[name] ?? name ?? tr`A program`;
}

function keysCard(user, items) {
  const list = h('ul', { class: 'plain-list people', 'data-testid': 'keys' });
  const made = h('div', { class: 'stack made', 'aria-live': 'polite' });
  const name = field({ label: tr`What it is for`, pointer: '/name', maxlength: 64, autocomplete: 'off', testid: 'key-name' });
  const days = field({ label: tr`Good for`, pointer: '/days', type: 'select', options: [['30', count(30, 'day')], ['90', count(90, 'day')], ['366', tr`a year`]], value: '90', testid: 'key-days' });
  const password = field({ label: tr`Password`, pointer: '/password', type: 'password', autocomplete: 'current-password', testid: 'key-password' });
  const boxes = user.permissions.map((code) => { const input = h('input', { type: 'checkbox', value: code, 'data-testid': `key-${code}` }); return { input, el: h('label', { class: 'check' }, input, h('span', {}, mayWord(code))) }; });
  const save = button(tr`Make key`, { type: 'submit', testid: 'key-submit' });
  const form = h('form', { class: 'stack' }, name.el, days.el, h('fieldset', { class: 'checks' }, h('legend', {}, tr`May`), boxes.map((b) => b.el)), password.el, h('div', { class: 'actions' }, save));
  const draw = () => fill(list, items.map((k) => h('li', {}, icon('key'), h('span', {}, h('span', { class: 'strong' }, k.name), h('span', { class: 'muted small' }, tr`${k.permissions.map(mayWord).join(', ')} · until ${when(k.expiresAt)}${k.lastUsedAt ? tr` · used ${when(k.lastUsedAt)}` : tr` · never used`}`)),
    button(tr`Remove`, { look: 'small', 'aria-label': tr`Remove the key ${k.name}`, async onClick() { await api.delete(`/keys/${seg(k.id)}`).catch(() => {}); await refresh(); } }))));
  async function refresh() { items = (await api.get('/keys')).items; draw(); }
  bind(form, { fields: [name, days, password], button: save, busy: tr`Making…`, async submit() {
    if (!name.given) throw wrong(name, tr`Say what the key is for.`);
    const permissions = boxes.filter((b) => b.input.checked).map((b) => b.input.value);
    if (permissions.length === 0) throw wrong(name, tr`Choose at least one permission.`);
    if (!password.value) throw wrong(password, tr`Enter your password.`);
    const key = await api.post('/keys', { name: name.given, permissions, days: Number(days.value), password: password.value });
    password.value = '';
    fill(made, h('p', {}, tr`The key, which is shown only now. Programs send it as “Authorization: Bearer …”.`), h('p', { class: 'wrap' }, h('code', { 'data-testid': 'key-made' }, key.key)));
    name.value = '';
    await refresh();
  } });
  draw();
  return card(tr`Keys for programs`, list, made, h('details', {}, h('summary', { 'data-testid': 'key-new' }, tr`Make a key`), form));
}
