// A device may see something and keep it to itself ("notify surveillance center" is off): one tap makes it tell.
import { api, seg } from './api.js';
import { fill, h, icon } from './dom.js';
import { tr } from './language.js';
import { button, problemBox } from './parts.js';

export function tellButton(channel, type, told = () => {}) {
  const message = h('div', { class: 'form-message' });
  const b = button(tr`Let it tell`, { look: 'primary small', iconName: 'bell', testid: `notify-${type}`, async onClick() {
    b.disabled = true;
    fill(message);
    try {
      await api.put(`/channels/${seg(channel.id)}/notification`, { type, on: true });
      fill(b, icon('check'), h('span', {}, tr`It tells now`));
      told();
    } catch (problem) { fill(message, problemBox(problem)); b.disabled = false; }
  } });
  return h('div', {}, b, message);
}
