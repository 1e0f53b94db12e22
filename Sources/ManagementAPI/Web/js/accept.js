// The owner to be looks at what is handed over to them, and accepts or refuses.
import { api } from './api.js';
import { newPasswordField } from './credentials.js';
import { ask } from './dialog.js';
import { fill, h, icon } from './dom.js';
import { bind, choice, field, wrong } from './form.js';
import { button, gateCard, problemBox } from './parts.js';
import { wishWords } from './wishes.js';

export async function accept(gate, setup, token, enter) {
  document.title = 'A site is handed over - Gatehouse';
  let offer;
  try { offer = await api.post('/handover', { token }, { gate: false }); } catch (problem) {
    gateCard(gate, 'This link', [setup.name].filter(Boolean).join(', '), problemBox(problem), h('p', { class: 'gate-more' }, h('a', { class: 'button quiet', href: '#/cameras', onClick: () => setTimeout(() => location.reload()) }, 'Sign in')));
    return;
  }
  const known = choice({ label: 'Your account', value: 'new', testid: 'accept-account', onChange: shape, options: [{ value: 'new', label: 'Make one' }, { value: 'known', label: 'I have one' }] });
  const userName = field({ label: 'User name', pointer: '/userName', autocomplete: 'username', testid: 'accept-user', maxlength: 64, hint: 'With it you will sign in.' });
  const fullName = field({ label: 'Your name', pointer: '/fullName', optional: true, autocomplete: 'name', autocapitalize: 'words', testid: 'accept-name', maxlength: 64 });
  const password = newPasswordField({ testid: 'accept-password' });
  const present = field({ label: 'Password', pointer: '/password', type: 'password', autocomplete: 'current-password', testid: 'accept-present', maxlength: 256 });
  const code = field({ label: 'One-time password', pointer: '/oneTimePassword', optional: true, inputmode: 'numeric', autocomplete: 'one-time-code', testid: 'accept-code', maxlength: 8, hint: 'If your account asks for one.' });
  const isNew = () => known.value === 'new';
  function shape() { for (const f of [fullName, password]) f.el.hidden = !isNew(); for (const f of [present, code]) f.el.hidden = isNew(); }
  shape();
  const save = button('Accept the site', { look: 'primary wide', type: 'submit', testid: 'accept-submit' });
  const message = h('div', { class: 'form-message', role: 'alert' });
  const form = h('form', {}, known.el, userName.el, fullName.el, password.el, present.el, code.el, h('div', { class: 'actions' }, save));
  bind(form, { fields: [userName, fullName, password, present, code], button: save, busy: 'Accepting…', async submit() {
    if (!userName.given) throw wrong(userName, isNew() ? 'Choose a user name.' : 'Enter your user name.');
    if (!isNew() && !present.value) throw wrong(present, 'Enter your password.');
    const body = { token, userName: userName.given, hasAccount: !isNew(), password: isNew() ? password.read() : present.value };
    if (isNew() && fullName.given) body.fullName = fullName.given;
    if (!isNew() && code.given) body.oneTimePassword = code.given;
    const session = await api.post('/handover/accept', body, { gate: false });
    // The link is used up; it must not be what the page comes back to.
    history.replaceState(null, '', '#/sites');
    await enter(session);
  } });
  const refuse = button('Refuse', { look: 'quiet', testid: 'accept-refuse', async onClick() {
    if (!await ask({ title: 'Refuse the site?', text: `${offer.company} keeps looking after it, and is told.`, action: 'Refuse' })) return;
    fill(message);
    try {
      await api.post('/handover/refuse', { token }, { gate: false });
      history.replaceState(null, '', '#/cameras');
      gateCard(gate, 'Refused', offer.site, h('p', {}, `${offer.company} is told. You can close this page.`));
    } catch (problem) { fill(message, problemBox(problem)); }
  } });
  const line = (iconName, text) => h('li', { class: 'row' }, icon(iconName), h('span', {}, text));
  gateCard(gate, offer.site, `${offer.company} hands this site over to you.`,
    offer.remarks && h('p', { 'data-testid': 'accept-remarks' }, `“${offer.remarks}”`),
    h('ul', { class: 'plain-list offer', 'data-testid': 'accept-offer' },
      offer.address && line('zone', offer.address),
      line('camera', offer.devices.length ? offer.devices.join(', ') : 'No devices yet'),
      offer.permissions.length === 0 ? line('lock', `${offer.company} asks for no permissions.`) : h('li', {}, h('p', { class: 'strong' }, `${offer.company} asks you to let it do`), h('ul', { class: 'plain-list' }, offer.permissions.map((w) => line('check', wishWords(w))))),
      offer.allowRemoteUseControl && line('warn', `${offer.company} asks to be allowed to switch your remote use off. The devices cannot be taken off the box then.`)),
    h('p', { class: 'muted small' }, 'You can take every permission back at any time, and give others.'), form, message, h('p', { class: 'gate-more' }, refuse));
  userName.focus();
}
