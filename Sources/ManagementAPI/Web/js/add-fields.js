// Fields whose text lives in a draft, so that leaving a form loses nothing.
import { field } from './form.js';
import { tr } from './language.js';

export function draftFields(draft, { nameless = false } = {}) {
  const all = [];
  const text = (key, options) => {
    const f = field({ value: draft[key], pointer: `/${key}`, autocomplete: 'off', ...options });
    f.input.addEventListener('input', () => { draft[key] = f.value; });
    all.push([key, f]);
    return f;
  };
  return {
    text,
    name: text('name', { label: tr`Name`, optional: nameless, hint: tr`What the camera sees, such as “Front door”.`, autocapitalize: 'words', testid: 'device-name', maxlength: 64 }),
    user: text('userName', { label: tr`User name`, testid: 'device-user' }),
    password: text('password', { label: tr`Password`, type: 'password', testid: 'device-password' }),
    /** Shows again what the draft has, which another form may have changed. */
    shown() { for (const [key, f] of all) if (f.value !== draft[key]) f.value = draft[key]; },
  };
}
