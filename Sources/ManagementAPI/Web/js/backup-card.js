// The card that saves what the box knows to a file.
import { api } from './api.js';
import { toast } from './dialog.js';
import { h } from './dom.js';
import { bind, field, wrong } from './form.js';
import { tr } from './language.js';
import { button, card } from './parts.js';
import { store } from './store.js';

export function backupCard() {
  const password = field({ label: tr`Your password`, pointer: '/password', type: 'password', maxlength: 256, autocomplete: 'current-password', testid: 'backup-password' });
  const passphrase = field({ label: tr`Passphrase for the backup`, pointer: '/passphrase', type: 'password', maxlength: 256, autocomplete: 'new-password', testid: 'backup-passphrase', hint: tr`At least 12 characters. The box does not keep it: without it nobody opens the backup.` });
  const again = field({ label: tr`The same passphrase again`, pointer: '/again', type: 'password', maxlength: 256, autocomplete: 'new-password', testid: 'backup-again' });
  const save = button(tr`Save a backup`, { look: 'primary', type: 'submit', testid: 'backup-submit' });
  const fields = [password, passphrase, again];
  const form = h('form', { class: 'stack', 'data-testid': 'backup-form' }, fields.map((f) => f.el), h('div', { class: 'actions' }, save));
  bind(form, { fields, button: save, busy: tr`Saving…`, async submit() {
    if (passphrase.value !== again.value) throw wrong(again, tr`The two passphrases are not the same.`);
    const blob = await api.file('/backup', { password: password.value, passphrase: passphrase.value });
    const url = URL.createObjectURL(blob);
    h('a', { href: url, download: `gatehouse-${store.system.serialNumber}-${new Date().toISOString().slice(0, 10)}.backup` }).click();
    URL.revokeObjectURL(url);
    for (const f of fields) f.value = '';
    toast(tr`The backup is saved.`);
  } });
  return card(tr`Backup`, h('p', { class: 'muted small' }, tr`A file with everything that this box knows: people, sites, devices, settings, and the keys that open footage; not the footage itself. Whoever has it and the passphrase has everything, so keep both apart. The owners of the sites are told.`),
    h('details', {}, h('summary', { 'data-testid': 'backup' }, tr`Save a backup`), form),
    h('p', { class: 'muted small' }, tr`A new box begins with it: choose “Begin with a backup” where it is set up, or use “gatehouse restore”.`));
}
