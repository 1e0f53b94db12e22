// Signing in.
import { api } from './api.js';
import { h } from './dom.js';
import { bind, field } from './form.js';
import { tr } from './language.js';
import { title } from './navigate.js';
import { button, gateCard } from './parts.js';

export function signIn(gate, setup, enter) {
  const userName = field({ label: tr`User name`, pointer: '/userName', autocomplete: 'username', testid: 'sign-in-user', maxlength: 64 });
  const password = field({ label: tr`Password`, pointer: '/password', type: 'password', autocomplete: 'current-password', testid: 'sign-in-password' });
  const code = field({ label: tr`One-time password`, pointer: '/oneTimePassword', inputmode: 'numeric', autocomplete: 'one-time-code', maxlength: 8, testid: 'sign-in-code', hint: tr`The one that your app shows now.` });
  code.el.hidden = true;
  const submitButton = button(tr`Sign in`, { look: 'primary wide', type: 'submit', testid: 'sign-in-submit' });
  const form = h('form', { 'data-testid': 'sign-in-form' }, userName.el, password.el, code.el, h('div', { class: 'actions' }, submitButton));
  bind(form, {
    fields: [userName, password, code],
    button: submitButton,
    busy: tr`Signing in…`,
    async submit() {
      if (!userName.given) throw { wrong: userName, sentence: tr`Enter your user name.` };
      if (!password.value) throw { wrong: password, sentence: tr`Enter your password.` };
      let session;
      try {
        const body = { userName: userName.given, password: password.value };
        if (code.given) body.oneTimePassword = code.given.replaceAll(' ', '');
        session = await api.post('/session', body, { gate: false });
      } catch (problem) {
        if (problem.slug === 'one-time-password-needed') {
          code.el.hidden = false;
          throw { wrong: code, sentence: tr`Enter the one-time password that your app shows now.` };
        }
        if (problem.slug === 'wrong-one-time-password') throw { wrong: code, sentence: problem.detail };
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
  gateCard(gate, tr`Sign in`, where, form, h('p', { class: 'gate-more' }, button(tr`I am at the site`, { look: 'quiet', testid: 'on-site', async onClick() { (await import('./on-site.js')).onSite(gate, () => signIn(gate, setup, enter)); } }),
    button(tr`Forgotten your password?`, { look: 'quiet', testid: 'forgotten', async onClick() { (await import('./reset.js')).reset(gate, enter, () => signIn(gate, setup, enter)); } })));
  title(tr`Sign in`);
  userName.focus();
}
