// A new box begins with another one's backup, for whoever has its set-up code.
import { api } from './api.js';
import { setupCodeField } from './credentials.js';
import { fill, h } from './dom.js';
import { bind, field, wrong } from './form.js';
import { when } from './format.js';
import { tr } from './language.js';
import { title } from './navigate.js';
import { button, gateCard, sentence } from './parts.js';

export function restoreBox(gate, setup, goBack) {
  const code = setupCodeField({ hint: tr`On the label under the box, or where the box was started.`, testid: 'restore-code' });
  const file = field({ label: tr`Backup`, type: 'file', hint: tr`The file that was saved under “Box → Backup”.`, testid: 'restore-file' });
  const passphrase = field({ label: tr`Its passphrase`, pointer: '/passphrase', type: 'password', maxlength: 256, autocomplete: 'off', testid: 'restore-passphrase' });
  const submitButton = button(tr`Begin with this backup`, { look: 'primary wide', type: 'submit', testid: 'restore-submit' });
  const form = h('form', { 'data-testid': 'restore-form' }, code.el, file.el, passphrase.el, h('div', { class: 'actions' }, submitButton));
  const place = h('div', { class: 'stack' }, h('p', { class: 'muted' }, tr`This box becomes the one that was saved: its sites, people, devices, settings and keys. The other one must not run any more.`), form,
    h('p', { class: 'gate-more' }, button(tr`Set up as a new box`, { look: 'quiet', testid: 'restore-back', onClick: goBack })));
  bind(form, { fields: [code, file, passphrase], button: submitButton, busy: tr`Uploading…`, async submit() {
    const setupCode = code.read();
    const chosen = file.input.files[0];
    if (!chosen) throw wrong(file, tr`Choose the backup.`);
    if (!passphrase.given) throw wrong(passphrase, tr`Enter the passphrase.`);
    let ticket;
    try { ({ ticket } = await api.post('/setup/restore', { setupCode, passphrase: passphrase.value }, { gate: false })); } catch (problem) {
      if (problem.slug === 'already-claimed') { location.reload(); return; }
      if ((problem.status === 401 || problem.status === 403) && !problem.errors?.length) throw wrong(code, problem.detail);
      throw problem;
    }
    const restored = await api.put(`/setup/restore/${ticket}`, chosen, { gate: false });
    fill(place, h('div', { 'data-testid': 'restore-done' }, sentence('ok', tr`This box becomes ${restored.serialNumber}, as it was ${when(restored.createdAt)}, and starts anew. Open its page again in a minute, and sign in as there.`)));
  } });
  gateCard(gate, tr`Begin with a backup`, setup.serialNumber ? tr`${setup.name ?? tr`Gatehouse box`}, serial number ${setup.serialNumber}` : '', place);
  title(tr`Begin with a backup`);
  code.focus();
}
