// The QR code of a device or a site: made on the box, shown, printed, saved.
import { api } from './api.js';
import { fill, h, icon, uid } from './dom.js';
import { bind, field, wrong } from './form.js';
import { tr } from './language.js';
import { button } from './parts.js';

const SHORTEST = 4; // of a password

/** The button that opens the dialog. `name()` is what the code is of, `holds` says what is in it, and `path` is where it is made. */
export const codeButton = ({ path, name, holds, testid }) => button(tr`QR code`, { look: 'small', iconName: 'code', testid, onClick: () => showCode({ path, name: name(), holds }) });

export const deviceCodeHolds = () => tr`It holds the device’s name, address, language, model, serial number and hardware address; never its user name or password.`;
export const siteCodeHolds = () => tr`It holds the site’s ID and name and its service provider: what another company needs to ask the owner for the site.`;

function showCode({ path, name, holds }) {
  const id = uid('code');
  const password = field({ label: tr`Password`, optional: true, pointer: '/password', type: 'password', maxlength: 64, autocomplete: 'new-password', testid: 'code-password', hint: tr`4 to 64 characters. Only who knows it can open the code.` });
  const make = button(tr`Make the code`, { look: 'primary', type: 'submit', testid: 'code-make' });
  const form = h('form', { class: 'stack', 'data-testid': 'code-form' }, h('p', { class: 'muted small' }, holds), password.el, h('div', { class: 'actions' }, button(tr`Cancel`, { testid: 'code-cancel', onClick: () => dialog.close() }), make));
  const place = h('div', { class: 'stack' });
  let url = null;
  const dialog = h('dialog', { class: 'dialog code-dialog', 'aria-labelledby': id, 'data-testid': 'code-dialog', onClose() { dialog.remove(); if (url) URL.revokeObjectURL(url); } },
    h('h2', { id }, tr`QR code: ${name}`), form, place);
  bind(form, { fields: [password], button: make, busy: tr`Making…`, async submit() {
    if (password.given && password.given.length < SHORTEST) throw wrong(password, tr`At least ${SHORTEST} characters, or none.`);
    const drawing = await api.file(path, { password: password.given });
    if (!dialog.isConnected) return; // closed meanwhile
    url = URL.createObjectURL(drawing);
    form.hidden = true;
    fill(place, made({ url, name, isLocked: Boolean(password.given), close: () => dialog.close() }));
    place.querySelector('button').focus();
  } });
  document.body.append(dialog);
  dialog.showModal();
}

function made({ url, name, isLocked, close }) {
  return [h('img', { class: 'code', src: url, alt: tr`QR code of ${name}`, 'data-testid': 'code-picture' }),
    h('p', { class: 'not-printed', 'data-testid': 'code-readers' }, isLocked ? tr`Whoever has the code and its password can read it, on any box; without the password nobody.` : tr`Whoever sees the code can read it, with any phone. Put it where only those look who may know.`),
    h('div', { class: 'actions' }, button(tr`Print`, { testid: 'code-print', onClick: () => print() }), h('a', { class: 'button', href: url, download: `${name.replace(/[^\p{L}\p{N}.-]+/gu, '-')}.svg`, 'data-testid': 'code-save' }, icon('download'), h('span', {}, tr`Download`)),
      button(tr`Close`, { look: 'primary', testid: 'code-close', onClick: close }))];
}
