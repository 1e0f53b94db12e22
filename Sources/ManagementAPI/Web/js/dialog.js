// Asking once before something is destroyed, and telling what has happened.
import { fill, h, icon } from './dom.js';
import { tr } from './language.js';
import { button } from './parts.js';

/** Asks; resolves to true when the person agreed. */
export function ask({ title, text, action }) {
  return new Promise((resolve) => {
    let agreed = false;
    const dialog = h('dialog', { class: 'dialog', 'aria-labelledby': 'ask-title', 'data-testid': 'ask', onClose() { dialog.remove(); resolve(agreed); } },
      h('h2', { id: 'ask-title' }, title), h('p', {}, text),
      h('div', { class: 'actions' },
        button(tr`Cancel`, { onClick: () => dialog.close(), testid: 'ask-cancel' }),
        button(action, { look: 'danger', testid: 'ask-confirm', onClick() { agreed = true; dialog.close(); } })));
    document.body.append(dialog);
    dialog.showModal();
  });
}

let timer = null;
/** A short message at the edge; also spoken. */
export function toast(text, { iconName = 'check', href, hrefText } = {}) {
  const el = document.getElementById('toast');
  fill(el, icon(iconName), h('span', {}, text), href && h('a', { href }, hrefText));
  el.classList.add('shown');
  clearTimeout(timer);
  timer = setTimeout(() => { el.classList.remove('shown'); setTimeout(() => { if (!el.classList.contains('shown')) fill(el); }, 300); }, 4500);
}

/** Spoken only. */
export function announce(text) {
  document.getElementById('announce').textContent = text;
}
