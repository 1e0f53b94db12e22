// The card that makes the box as it left the factory.
import { api } from './api.js';
import { fill, h } from './dom.js';
import { bind, field } from './form.js';
import { tr } from './language.js';
import { button, card } from './parts.js';

export function factoryResetCard() {
  const password = field({ label: tr`Your password`, pointer: '/password', type: 'password', maxlength: 256, autocomplete: 'current-password', testid: 'factory-reset-password' });
  const serial = field({ label: tr`Serial number of this box`, pointer: '/serialNumber', maxlength: 64, autocomplete: 'off', testid: 'factory-reset-serial', hint: tr`As it stands under “This box”, to be sure.` });
  const go = button(tr`Erase everything`, { look: 'danger', type: 'submit', testid: 'factory-reset-submit' });
  const form = h('form', { class: 'stack', 'data-testid': 'factory-reset-form' }, password.el, serial.el, h('div', { class: 'actions' }, go));
  const content = h('details', {}, h('summary', { 'data-testid': 'factory-reset' }, tr`Erase everything`), form);
  bind(form, { fields: [password, serial], button: go, busy: tr`Erasing…`, async submit() {
    await api.post('/system/factory-reset', { password: password.value, serialNumber: serial.value.trim() });
    fill(content.parentElement, h('p', { role: 'status', 'data-testid': 'factory-reset-done' }, tr`The box knows nothing any more and starts anew. Open its page again in a minute, with the set-up code at hand.`));
  } });
  return card(tr`Factory reset`, h('p', { class: 'muted small' }, tr`People, sites, devices, settings and keys are destroyed for good; the serial number and the set-up code stay. What was uploaded stays in the cloud, but encrypted footage opens only with the sites’ recovery files. Save a backup first.`), content);
}
