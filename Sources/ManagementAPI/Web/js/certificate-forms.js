// Another certificate than the box's own: installed with its key, or asked for with a key that never leaves the box.
import { api } from './api.js';
import { toast } from './dialog.js';
import { fill, h } from './dom.js';
import { bind, field, wrong } from './form.js';
import { tr } from './language.js';
import { button, fileButton } from './parts.js';

const KEY = /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?-----END [A-Z ]*PRIVATE KEY-----\s*/;
const LARGEST = 65536; // bytes of a file; a chain has a few thousand
const PEM_FILES = { accept: '.pem,.crt,.cer,.key,.txt' };

/** `done` is called when it is installed. `expect(isRequested)` says whether the box has the key already. */
export function installForm({ isRequested, done }) {
  const chain = field({ label: tr`Certificate (PEM)`, pointer: '/certificate', type: 'area', rows: 5, class: 'mono', autocomplete: 'off', placeholder: '-----BEGIN CERTIFICATE-----', testid: 'certificate-chain', hint: tr`The server’s first, then those between it and the authority.` });
  const key = field({ label: tr`Its key (PEM)`, pointer: '/key', type: 'area', rows: 4, class: 'mono', autocomplete: 'off', placeholder: '-----BEGIN PRIVATE KEY-----', testid: 'certificate-key' });
  const take = (into) => async (file) => {
    if (file.size > LARGEST) { into.error(tr`This is no PEM file.`); return; }
    const text = await file.text();
    const found = KEY.exec(text)?.[0]; // many files have both
    if (found) key.value = found;
    const rest = text.replace(KEY, '');
    if (into === chain || !found) into.value = rest;
    for (const f of [chain, key]) f.error(null);
  };
  const save = button(tr`Install`, { look: 'primary', type: 'submit', testid: 'certificate-submit' });
  const form = h('form', { class: 'stack', 'data-testid': 'certificate-form' }, chain.el, h('div', { class: 'row wrap' }, fileButton(tr`Certificate from a file`, 'certificate-chain-file', take(chain), PEM_FILES)),
    key.el, h('div', { class: 'row wrap' }, fileButton(tr`Key from a file`, 'certificate-key-file', take(key), PEM_FILES)), h('div', { class: 'actions' }, save));
  let hasKey = false;
  const expect = (requested) => {
    hasKey = requested;
    key.hint(requested ? tr`Leave it empty for the certificate that was asked for here.` : tr`Not encrypted. The box keeps it and never shows it again.`);
  };
  expect(isRequested);
  bind(form, { fields: [chain, key], button: save, busy: tr`Installing…`, async submit() {
    if (!chain.given) throw wrong(chain, tr`Paste the certificate, or choose its file.`);
    if (!key.given && !hasKey) throw wrong(key, tr`Paste the key, or choose its file.`);
    await api.put('/certificate', { certificate: chain.given, key: key.given });
    chain.value = key.value = ''; // the key stays nowhere but in the box
    await done();
  } });
  return { el: h('details', { open: isRequested }, h('summary', { 'data-testid': 'certificate-install' }, tr`Install a certificate`), form), expect };
}

/** `asked` is called when a request was made: the box has a key then. */
export function askForm({ names, asked }) {
  const wished = field({ label: tr`Names`, pointer: '/names', type: 'area', rows: 3, value: names.join('\n'), autocomplete: 'off', testid: 'certificate-names', hint: tr`By which the box is opened, one a line: host names or addresses, up to 20.` });
  const made = h('div', { class: 'stack made', 'aria-live': 'polite' });
  const send = button(tr`Make a request`, { look: 'primary', type: 'submit', testid: 'certificate-ask-submit' });
  const form = h('form', { class: 'stack', 'data-testid': 'certificate-ask-form' }, h('p', { class: 'muted small' }, tr`The box makes a key, which stays in it, and a request for the authority of your choice. What the authority sends is installed above, without a key. Another request voids this one.`), wished.el, h('div', { class: 'actions' }, send), made);
  bind(form, { fields: [wished], button: send, busy: tr`Making…`, async submit() {
    const list = wished.value.split(/[\s,;]+/).filter(Boolean);
    if (list.length === 0) throw wrong(wished, tr`Enter at least one name.`);
    if (list.length > 20) throw wrong(wished, tr`At most 20 names.`);
    const { request } = await api.post('/certificate/request', { names: list });
    fill(made, requestMade(request, list[0]));
    asked();
  } });
  return h('details', {}, h('summary', { 'data-testid': 'certificate-ask' }, tr`Ask an authority for a certificate`), form);
}

function requestMade(request, name) {
  const text = h('pre', { class: 'pem', tabindex: 0, 'data-testid': 'certificate-request' }, request);
  const copy = button(tr`Copy`, { look: 'small', iconName: 'copy', async onClick() { try { await navigator.clipboard.writeText(request); toast(tr`Copied.`); } catch { getSelection().selectAllChildren(text); } } });
  const save = button(tr`Download`, { look: 'small', iconName: 'download', testid: 'certificate-request-save', onClick() {
    const url = URL.createObjectURL(new Blob([request], { type: 'application/x-pem-file' }));
    h('a', { href: url, download: `${name.replace(/[^\w.-]/g, '_')}.csr` }).click();
    URL.revokeObjectURL(url);
  } });
  return [h('p', {}, tr`Give this request to the authority:`), text, h('div', { class: 'row wrap' }, copy, save)];
}
