// First run: whoever holds the box's set-up code makes it theirs.
import { api } from './api.js';
import { newPasswordField, setupCodeField } from './credentials.js';
import { h } from './dom.js';
import { bind, field, wrong } from './form.js';
import { tr } from './language.js';
import { title } from './navigate.js';
import { button, gateCard } from './parts.js';
import { zoneOptions, zones } from './zones.js';

export function claim(gate, setup, enter) {
  const { here, all } = zones();
  const code = setupCodeField({ hint: tr`On the label under the box, or where the box was started.`, testid: 'claim-code' });
  const userName = field({ label: tr`User name`, pointer: '/userName', hint: tr`For you, the administrator of this box.`, autocomplete: 'username', testid: 'claim-user', maxlength: 64 });
  const password = newPasswordField({ testid: 'claim-password' });
  const again = field({ label: tr`Password again`, type: 'password', autocomplete: 'new-password', testid: 'claim-password-again', maxlength: 256 });
  const siteName = field({ label: tr`Site name`, pointer: '/siteName', hint: tr`The place where this box stands, such as “Bakery, Mill Lane”.`, autocomplete: 'off', autocapitalize: 'words', testid: 'claim-site', maxlength: 64 });
  const timeZone = field({ label: tr`Time zone of the site`, pointer: '/timeZone', type: 'select', options: [], testid: 'claim-zone', hint: tr`Taken from this browser. It cannot be changed later.` });
  timeZone.input.append(...zoneOptions(all));
  timeZone.value = here;

  const submitButton = button(tr`Make this box mine`, { look: 'primary wide', type: 'submit', testid: 'claim-submit' });
  const form = h('form', { 'data-testid': 'claim-form' },
    h('div', { class: 'form-part' }, code.el),
    h('div', { class: 'form-part' }, h('h2', {}, tr`You`), userName.el, password.el, again.el),
    h('div', { class: 'form-part' }, h('h2', {}, tr`The site`), siteName.el, timeZone.el),
    h('div', { class: 'actions' }, submitButton));
  bind(form, {
    fields: [code, userName, password, again, siteName, timeZone],
    button: submitButton,
    busy: tr`Setting up…`,
    async submit() {
      const setupCode = code.read();
      if (!userName.given) throw wrong(userName, tr`Enter a user name.`);
      password.read();
      if (again.value !== password.value) throw wrong(again, tr`The two passwords differ. Type the same one again.`);
      if (!siteName.given) throw wrong(siteName, tr`Enter a name for the site.`);
      try {
        await enter(await api.post('/setup/claim', { setupCode, userName: userName.given, password: password.value, siteName: siteName.given, timeZone: timeZone.value }, { gate: false }));
      } catch (problem) {
        if (problem.slug === 'already-claimed') { location.reload(); return; }
        if ((problem.status === 401 || problem.status === 403) && !problem.errors?.length) throw wrong(code, problem.detail);
        throw problem;
      }
    },
  });
  gateCard(gate, tr`Set up this box`, setup.serialNumber ? tr`${setup.name ?? tr`Gatehouse box`}, serial number ${setup.serialNumber}` : '', form,
    h('p', { class: 'gate-more' }, button(tr`Begin with a backup`, { look: 'quiet', testid: 'claim-restore', async onClick() { (await import('./restore-box.js')).restoreBox(gate, setup, () => claim(gate, setup, enter)); } })));
  title(tr`Set up`);
  code.focus();
}
