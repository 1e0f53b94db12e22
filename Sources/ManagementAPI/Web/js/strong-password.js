// A password for a device, with the device's own rule told while one types.
import { field, wrong } from './form.js';
import { tr } from './language.js';

const LEAST = 8;
const MOST = 16;
const KINDS = [[/[a-z]/, tr`small letters`], [/[A-Z]/, tr`capital letters`], [/[0-9]/, tr`digits`], [/[^A-Za-z0-9]/, tr`signs`]];

/** What is still wrong with a password; null when it is strong enough. */
export function weakness(text) {
  if (text.length < LEAST) return tr`${LEAST} to ${MOST} characters; ${text.length} so far.`;
  if (text.length > MOST) return tr`At most ${MOST} characters; these are ${text.length}.`;
  if (/[^\x20-\x7e]/.test(text)) return tr`Only plain letters, digits and signs: devices do not take others.`;
  const used = KINDS.filter(([pattern]) => pattern.test(text)).map(([, name]) => name);
  if (used.length < 2) return tr`Only ${used[0]}: mix in at least one of ${KINDS.map(([, name]) => name).filter((n) => !used.includes(n)).join(', ')}.`;
  return null;
}

export function strongPassword({ label = tr`New password`, testid, ...more }) {
  const rule = tr`${LEAST} to ${MOST} characters, of at least two kinds: small letters, capital letters, digits, signs.`;
  const self = field({ label, type: 'password', autocomplete: 'new-password', testid, hint: rule, maxlength: 64, pointer: '/password', ...more });
  self.input.addEventListener('input', () => self.hint(self.value ? weakness(self.value) ?? tr`Strong enough.` : rule));
  self.clear = () => { self.value = ''; self.hint(rule); };
  /** The password, or the form's own complaint. */
  self.checked = () => {
    const weak = weakness(self.value);
    if (weak) throw wrong(self, weak);
    return self.value;
  };
  return self;
}
