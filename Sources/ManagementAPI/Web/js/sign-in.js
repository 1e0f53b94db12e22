// Signing in.
import { api } from './api.js';
import { fill, h, icon } from './dom.js';
import { bind, field } from './form.js';
import { button } from './parts.js';

export function gateCard(gate, title, text, ...kids) {
  fill(gate, h('main', { class: 'gate' }, h('div', { class: 'gate-brand' }, h('span', { class: 'brand-mark' }, icon('gatehouse')), h('strong', {}, 'Gatehouse')),
    h('div', { class: 'gate-card' }, h('h1', { tabindex: -1 }, title), text && h('p', { class: 'muted' }, text), ...kids)));
}

export function signIn(gate, setup, enter) {
  const userName = field({ label: 'User name', pointer: '/userName', autocomplete: 'username', testid: 'sign-in-user', maxlength: 64 });
  const password = field({ label: 'Password', pointer: '/password', type: 'password', autocomplete: 'current-password', testid: 'sign-in-password' });
  const submitButton = button('Sign in', { look: 'primary wide', type: 'submit', testid: 'sign-in-submit' });
  const form = h('form', { 'data-testid': 'sign-in-form' }, userName.el, password.el, h('div', { class: 'actions' }, submitButton));
  bind(form, {
    fields: [userName, password],
    button: submitButton,
    busy: 'Signing in…',
    async submit() {
      if (!userName.given) throw { wrong: userName, sentence: 'Enter your user name.' };
      if (!password.value) throw { wrong: password, sentence: 'Enter your password.' };
      let session;
      try {
        session = await api.post('/session', { userName: userName.given, password: password.value }, { gate: false });
      } catch (problem) {
        if (problem.status === 401) {
          password.value = '';
          throw { wrong: password, sentence: problem.detail };
        }
        throw problem;
      }
      await enter(session);
    },
  });
  const where = [setup.name, setup.serialNumber].filter(Boolean).join(', ');
  gateCard(gate, 'Sign in', where, form, h('p', { class: 'gate-more' }, button('I am at the site', { look: 'quiet', testid: 'on-site', async onClick() { (await import('./on-site.js')).onSite(gate, () => signIn(gate, setup, enter)); } })));
  document.title = 'Sign in - Gatehouse';
  userName.focus();
}
