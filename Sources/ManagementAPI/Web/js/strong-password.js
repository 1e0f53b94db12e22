// A password for a device, with the device's own rule told while one types.
import { field, wrong } from './form.js';

const LEAST = 8;
const MOST = 16;
const KINDS = [[/[a-z]/, 'small letters'], [/[A-Z]/, 'capital letters'], [/[0-9]/, 'digits'], [/[^A-Za-z0-9]/, 'signs']];

/** What is still wrong with a password; null when it is strong enough. */
export function weakness(text) {
  if (text.length < LEAST) return `${LEAST} to ${MOST} characters; ${text.length} so far.`;
  if (text.length > MOST) return `At most ${MOST} characters; these are ${text.length}.`;
  if (/[^\x20-\x7e]/.test(text)) return 'Only plain letters, digits and signs: devices do not take others.';
  const used = KINDS.filter(([pattern]) => pattern.test(text)).map(([, name]) => name);
  if (used.length < 2) return `Only ${used[0]}: mix in at least one of ${KINDS.map(([, name]) => name).filter((n) => !used.includes(n)).join(', ')}.`;
  return null;
}

export function strongPassword({ label = 'New password', testid, ...more }) {
  const rule = `${LEAST} to ${MOST} characters, of at least two kinds: small letters, capital letters, digits, signs.`;
  const self = field({ label, type: 'password', autocomplete: 'new-password', testid, hint: rule, maxlength: 64, pointer: '/password', ...more });
  self.input.addEventListener('input', () => self.hint(self.value ? weakness(self.value) ?? 'Strong enough.' : rule));
  self.clear = () => { self.value = ''; self.hint(rule); };
  /** The password, or the form's own complaint. */
  self.checked = () => {
    const weak = weakness(self.value);
    if (weak) throw wrong(self, weak);
    return self.value;
  };
  return self;
}
