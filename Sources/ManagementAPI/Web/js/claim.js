// First run: whoever holds the box's set-up code makes it theirs.
import { api } from './api.js';
import { h } from './dom.js';
import { bind, field, wrong } from './form.js';
import { button, gateCard } from './parts.js';
import { zoneOptions, zones } from './zones.js';

const LEAST = 12;

/** ABCD-1234 however it is typed. */
function tidyCode(text) {
  const plain = text.toUpperCase().replace(/[^A-Z0-9]/g, '').slice(0, 8);
  return plain.length > 4 ? `${plain.slice(0, 4)}-${plain.slice(4)}` : plain;
}

export function claim(gate, setup, enter) {
  const { here, all } = zones();
  const code = field({ label: 'Set-up code', pointer: '/setupCode', hint: 'On the label under the box, or where the box was started.', autocomplete: 'one-time-code', autocapitalize: 'characters', testid: 'claim-code', placeholder: 'XXXX-XXXX', class: 'mono' });
  const userName = field({ label: 'User name', pointer: '/userName', hint: 'For you, the administrator of this box.', autocomplete: 'username', testid: 'claim-user', maxlength: 64 });
  const password = field({ label: 'Password', pointer: '/password', type: 'password', hint: `At least ${LEAST} characters; a few words are easier to keep than signs.`, autocomplete: 'new-password', testid: 'claim-password', maxlength: 256 });
  const again = field({ label: 'Password again', type: 'password', autocomplete: 'new-password', testid: 'claim-password-again', maxlength: 256 });
  const siteName = field({ label: 'Site name', pointer: '/siteName', hint: 'The place where this box stands, such as “Bakery, Mill Lane”.', autocomplete: 'off', autocapitalize: 'words', testid: 'claim-site', maxlength: 64 });
  const timeZone = field({ label: 'Time zone of the site', pointer: '/timeZone', type: 'select', options: [], testid: 'claim-zone', hint: 'Taken from this browser. It cannot be changed later.' });
  timeZone.input.append(...zoneOptions(all));
  timeZone.value = here;

  code.input.addEventListener('blur', () => { code.value = tidyCode(code.value); });
  password.input.addEventListener('input', () => {
    const n = password.value.length;
    password.hint(n >= LEAST ? 'Long enough.' : `At least ${LEAST} characters; ${n} so far.`);
  });

  const submitButton = button('Make this box mine', { look: 'primary wide', type: 'submit', testid: 'claim-submit' });
  const form = h('form', { 'data-testid': 'claim-form' },
    h('div', { class: 'form-part' }, code.el),
    h('div', { class: 'form-part' }, h('h2', {}, 'You'), userName.el, password.el, again.el),
    h('div', { class: 'form-part' }, h('h2', {}, 'The site'), siteName.el, timeZone.el),
    h('div', { class: 'actions' }, submitButton));
  bind(form, {
    fields: [code, userName, password, again, siteName, timeZone],
    button: submitButton,
    busy: 'Setting up…',
    async submit() {
      code.value = tidyCode(code.value);
      if (code.value.length !== 9) throw wrong(code, 'Enter all eight letters and digits of the set-up code.');
      if (!userName.given) throw wrong(userName, 'Enter a user name.');
      if (password.value.length < LEAST) throw wrong(password, `The password needs at least ${LEAST} characters; this one has ${password.value.length}.`);
      if (again.value !== password.value) throw wrong(again, 'The two passwords differ. Type the same one again.');
      if (!siteName.given) throw wrong(siteName, 'Enter a name for the site.');
      try {
        await enter(await api.post('/setup/claim', { setupCode: code.value, userName: userName.given, password: password.value, siteName: siteName.given, timeZone: timeZone.value }, { gate: false }));
      } catch (problem) {
        if (problem.slug === 'already-claimed') { location.reload(); return; }
        if ((problem.status === 401 || problem.status === 403) && !problem.errors?.length) throw wrong(code, problem.detail);
        throw problem;
      }
    },
  });
  gateCard(gate, 'Set up this box', setup.serialNumber ? `${setup.name ?? 'Gatehouse box'}, serial number ${setup.serialNumber}` : '', form);
  document.title = 'Set up - Gatehouse';
  code.focus();
}
