// Fields by which people prove who they are, or will: the box's set-up code, and a new password.
import { field, wrong } from './form.js';
import { tr } from './language.js';

const LEAST = 12;
const CODE = 8;

/** ABCD-1234 however it is typed. */
function tidy(text) {
  const plain = text.toUpperCase().replace(/[^A-Z0-9]/g, '').slice(0, CODE);
  return plain.length > 4 ? `${plain.slice(0, 4)}-${plain.slice(4)}` : plain;
}

/** The set-up code of the label, or one of its form. `read()` gives it whole, or throws what is wrong with it. */
export function setupCodeField({ hint, testid, label = tr`Set-up code`, pointer = '/setupCode' }) {
  const code = field({ label, pointer, hint, autocomplete: 'one-time-code', autocapitalize: 'characters', testid, placeholder: 'ABCD-2345', class: 'mono' });
  code.input.addEventListener('blur', () => { code.value = tidy(code.value); });
  code.read = () => {
    code.value = tidy(code.value);
    if (code.value.length !== CODE + 1) throw wrong(code, tr`Enter all eight letters and digits of the code.`);
    return code.value;
  };
  return code;
}

/** A password that somebody chooses. `read()` gives it, or throws what is wrong with it; the box refuses those that are guessed first. */
export function newPasswordField({ label = tr`Password`, pointer = '/password', testid }) {
  const password = field({ label, pointer, type: 'password', hint: tr`At least ${LEAST} characters; a few words are easier to keep than signs.`, autocomplete: 'new-password', testid, maxlength: 256 });
  password.input.addEventListener('input', () => {
    const n = password.value.length;
    password.hint(n >= LEAST ? tr`Long enough.` : tr`At least ${LEAST} characters; ${n} so far.`);
  });
  password.read = () => {
    if (password.value.length < LEAST) throw wrong(password, tr`The password needs at least ${LEAST} characters; this one has ${password.value.length}.`);
    return password.value;
  };
  return password;
}
