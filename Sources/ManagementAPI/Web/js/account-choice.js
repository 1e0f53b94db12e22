// Whoever comes by a link makes an account or uses the one they have.
import { newPasswordField } from './credentials.js';
import { choice, field, wrong } from './form.js';
import { tr } from './language.js';

/** Fields for both; `more` are fields of a new account alone; `read()` gives what the API takes, or throws at the field that is wrong. */
export function accountChoice({ testid, more = [] }) {
  const known = choice({ label: tr`Your account`, value: 'new', testid: `${testid}-account`, onChange: shape, options: [{ value: 'new', label: tr`Make one` }, { value: 'known', label: tr`I have one` }] });
  const userName = field({ label: tr`User name`, pointer: '/userName', autocomplete: 'username', testid: `${testid}-user`, maxlength: 64, hint: tr`With it you will sign in.` });
  const fullName = field({ label: tr`Your name`, pointer: '/fullName', optional: true, autocomplete: 'name', autocapitalize: 'words', testid: `${testid}-name`, maxlength: 64 });
  const password = newPasswordField({ testid: `${testid}-password` });
  const present = field({ label: tr`Password`, pointer: '/password', type: 'password', autocomplete: 'current-password', testid: `${testid}-present`, maxlength: 256 });
  const code = field({ label: tr`One-time password`, pointer: '/oneTimePassword', optional: true, inputmode: 'numeric', autocomplete: 'one-time-code', testid: `${testid}-code`, maxlength: 8, hint: tr`If your account asks for one.` });
  const isNew = () => known.value === 'new';
  function shape() { for (const f of [...more, fullName, password]) f.el.hidden = !isNew(); for (const f of [present, code]) f.el.hidden = isNew(); }
  shape();
  return {
    fields: [...more, userName, fullName, password, present, code],
    elements: [known, ...more, userName, fullName, password, present, code].map((f) => f.el),
    isNew, focus: () => userName.focus(),
    read() {
      if (!userName.given) throw wrong(userName, isNew() ? tr`Choose a user name.` : tr`Enter your user name.`);
      if (!isNew() && !present.value) throw wrong(present, tr`Enter your password.`);
      return { userName: userName.given, hasAccount: !isNew(), password: isNew() ? password.read() : present.value, ...(isNew() && fullName.given && { fullName: fullName.given }), ...(!isNew() && code.given && { oneTimePassword: code.given }) };
    },
  };
}
