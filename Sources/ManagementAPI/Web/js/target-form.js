// Where the clips go: S3-compatible storage or a folder; tested before it is kept.
import { api } from './api.js';
import { ask, toast } from './dialog.js';
import { fill, h } from './dom.js';
import { bind, choice, field, place, wrong } from './form.js';
import { bitRate, plain } from './format.js';
import { button, elapsed, facts, problemBox, sentence, steps } from './parts.js';
import { definitions, put } from './store.js';
import { STORAGE_STEPS } from './words.js';

const MOST = 30;

async function carries(bytesPerSecond) {
  if (!bytesPerSecond) return null;
  const bits = bytesPerSecond * 8;
  let more = '';
  try {
    const list = await definitions();
    const rate = (kind) => list.find((d) => d.kind === kind)?.bitRate;
    const n = (kind) => (rate(kind) ? Math.floor(bits / rate(kind)) : null);
    const [high, standard] = [n('high'), n('standard')];
    if (high !== null) more = high >= 1 ? ` Enough for ${plain(high, 0)} camera${high === 1 ? '' : 's'} recording at the same moment in high definition${standard !== null ? `, or ${plain(standard, 0)} in standard definition` : ''}.` : ' That is less than one camera recording in high definition; choose standard definition, and clips will wait their turn.';
  } catch { /* the rate alone says enough */ }
  return sentence('ok', `Measured upload: ${bitRate(bits)}.${more}`);
}

/** The result of a test of the storage, drawn into `box`; `at` is the route of the first or second. */
export async function testStorage(box, target, fields = [], at = '/storage/test') {
  fill(box, h('div', { class: 'panel' }, elapsed(Date.now(), MOST, 'Writing and reading a test file'), steps(STORAGE_STEPS, null, true)));
  try {
    const r = await api.post(at, target ? { target } : {});
    const rate = await carries(r.ok ? r.uploadBytesPerSecond : null);
    fill(box, h('div', { class: 'panel', 'data-testid': 'storage-test-result' }, h('div', { role: 'status' }, sentence(r.ok ? 'ok' : 'trouble', r.sentence)), rate, steps(STORAGE_STEPS, r.steps),
      r.abilities.length > 0 && h('details', { class: 'more', 'data-testid': 'storage-abilities' }, h('summary', {}, `What ${r.provider ?? 'this storage'} can`), h('ul', {}, [...r.abilities.map((a) => a.sentence), ...r.remarks].map((t) => h('li', { class: 'small' }, t))))));
  } catch (problem) {
    fill(box);
    if (problem.errors?.length) place(problem, fields, box);
    else fill(box, problemBox(problem));
  }
}

export function targetFacts(t) {
  if (t.kind === 'folder') return facts([['Kind', 'Folder'], ['Path', h('code', {}, t.path)]]);
  return facts([['Kind', 'S3-compatible storage'], ['Address', h('code', {}, t.endpoint)], ['Bucket', h('code', {}, t.prefix ? `${t.bucket}/${t.prefix}` : t.bucket)], ['Region', t.region || 'not set'],
    t.credentialsFile ? ['Keys', h('code', {}, t.credentialsFile)] : ['Access key', h('code', {}, t.accessKeyId)], !t.credentialsFile && ['Secret', t.hasSecret ? 'set' : 'not set'], t.encryption && ['Encryption', t.encryption === 'kms' ? 'Key service' : 'AES-256'], ['Addressing', t.addressing === 'path' ? 'Bucket in the path' : 'Bucket in the host name'], t.caCertificate && ['CA certificate', 'its own']]);
}

/** How the first storage is set and removed; the second brings its own. */
const FIRST = {
  test: '/storage/test', above: null,
  save: (wanted) => api.put('/storage/target', wanted), saved: 'Saved. Clips that wait are sent now.',
  remove: () => api.delete('/storage/target'), removed: 'The cloud storage has been removed.',
  question: { title: 'Remove the cloud storage?', action: 'Remove', text: 'Clips are no longer sent and wait on the box until another storage is set. Footage already in the cloud stays there, and cannot be played until this storage is set again.' },
};

export function targetForm({ target, done, cancel, use = FIRST }) {
  const t = target ?? { kind: 's3' };
  const s3 = t.kind === 's3' ? t : {};
  const kind = choice({ label: 'Clips go to', pointer: '/kind', value: t.kind, testid: 'target', onChange: () => shape(), options: [{ value: 's3', label: 'S3-compatible storage' }, { value: 'folder', label: 'Folder' }] });
  const text = (name, label, more = {}) => field({ label, pointer: `/${name}`, value: s3[name] ?? '', autocomplete: 'off', testid: `storage-${name}`, ...more });
  const endpoint = text('endpoint', 'Address', { hint: 'Such as https://s3.eu-central-1.amazonaws.com', inputmode: 'url' });
  const region = text('region', 'Region', { hint: 'Such as eu-central-1. Many storages of one’s own take us-east-1.' });
  const bucket = text('bucket', 'Bucket');
  const prefix = text('prefix', 'Prefix', { optional: true, hint: 'Put before the name of each clip.' });
  const accessKeyId = text('accessKeyId', 'Access key id');
  const kept = (has) => (has ? 'One is set. Leave empty to keep it.' : '');
  const secretAccessKey = field({ label: 'Secret access key', pointer: '/secretAccessKey', type: 'password', autocomplete: 'new-password', hint: kept(s3.hasSecret), testid: 'storage-secret' });
  const sessionToken = field({ label: 'Session token', optional: true, pointer: '/sessionToken', type: 'password', autocomplete: 'off', hint: kept(s3.hasSessionToken) || 'Only with temporary keys.' });
  const addressing = choice({ label: 'Addressing', pointer: '/addressing', value: s3.addressing ?? 'path', options: [{ value: 'path', label: 'Bucket in the path' }, { value: 'virtual-host', label: 'Bucket in the host name' }] });
  const caCertificate = field({ label: 'CA certificate', optional: true, pointer: '/caCertificate', type: 'area', value: s3.caCertificate ?? '', class: 'mono', hint: 'PEM, only where the storage has a certificate of its own authority.', rows: 4 });
  const credentialsFile = field({ label: 'File with the keys', optional: true, pointer: '/credentialsFile', value: s3.credentialsFile ?? '', autocomplete: 'off', class: 'mono', hint: 'On the box, in the form of ~/.aws/credentials; for keys that another program renews. Takes the place of the keys above.' });
  const encryption = choice({ label: 'Encryption in the storage', pointer: '/encryption', value: s3.encryption ?? 'none', onChange: () => shape(), options: [{ value: 'none', label: 'As the bucket does' }, { value: 'aes256', label: 'AES-256' }, { value: 'kms', label: 'Key service' }] });
  const encryptionKey = field({ label: 'Name of the key', optional: true, pointer: '/encryptionKey', value: s3.encryptionKey ?? '', autocomplete: 'off', hint: 'Left empty: the account’s own.' });
  const path = field({ label: 'Path of the folder', pointer: '/path', value: t.kind === 'folder' ? t.path : '', autocomplete: 'off', class: 'mono', hint: 'A folder on the box or mounted on it, such as /mnt/nas/clips', testid: 'storage-path' });
  const fields = [kind, endpoint, region, bucket, prefix, accessKeyId, secretAccessKey, sessionToken, addressing, caCertificate, credentialsFile, encryption, encryptionKey, path];
  const s3Part = h('div', { class: 'stack' }, endpoint.el, h('div', { class: 'pair' }, region.el, bucket.el), prefix.el, h('div', { class: 'pair' }, accessKeyId.el, secretAccessKey.el),
    h('details', { class: 'more', open: Boolean(s3.caCertificate || s3.hasSessionToken || s3.credentialsFile || s3.encryption || s3.addressing === 'virtual-host') }, h('summary', {}, 'Session token, file of keys, addressing, encryption, certificate'), sessionToken.el, credentialsFile.el, addressing.el, encryption.el, encryptionKey.el, caCertificate.el));
  const shape = () => { s3Part.hidden = kind.value !== 's3'; path.el.hidden = kind.value !== 'folder'; encryptionKey.el.hidden = encryption.value !== 'kms'; };
  shape();

  function wanted() {
    if (kind.value === 'folder') {
      if (!path.given) throw wrong(path, 'Enter the path of the folder.');
      return { kind: 'folder', path: path.given };
    }
    if (!/^https?:\/\/.+/i.test(endpoint.given ?? '')) throw wrong(endpoint, 'Enter the address of the storage; it begins with https://');
    if (!bucket.given) throw wrong(bucket, 'Enter the name of the bucket.');
    if (!credentialsFile.given && !accessKeyId.given) throw wrong(accessKeyId, 'Enter the access key id.');
    if (!credentialsFile.given && !s3.hasSecret && !secretAccessKey.given) throw wrong(secretAccessKey, 'Enter the secret access key.');
    return { kind: 's3', endpoint: endpoint.given, region: region.given ?? '', bucket: bucket.given, prefix: prefix.given ?? '', accessKeyId: accessKeyId.given ?? '', credentialsFile: credentialsFile.given, encryption: encryption.value === 'none' ? null : encryption.value, encryptionKey: encryption.value === 'kms' ? encryptionKey.given : null, addressing: addressing.value,
      caCertificate: caCertificate.given, secretAccessKey: secretAccessKey.given, sessionToken: sessionToken.given };
  }

  const result = h('div', { 'aria-live': 'polite' });
  const test = button('Test', { iconName: 'test', testid: 'storage-test', async onClick() {
    for (const f of fields) f.error(null);
    let w;
    try { w = wanted(); } catch (own) { own.wrong.error(own.sentence); own.wrong.focus(); return; }
    test.disabled = true;
    await testStorage(result, w, fields, use.test);
    test.disabled = false;
  } });
  const save = button('Save', { look: 'primary', type: 'submit', testid: 'storage-save' });
  const remove = target && button('Remove', { look: 'danger-quiet', iconName: 'trash', async onClick() {
    if (!await ask(use.question)) return;
    try {
      await use.remove();
      put('storage', await api.get('/storage'));
      toast(use.removed);
      done();
    } catch (problem) { fill(result, problemBox(problem)); }
  } });
  const form = h('form', { class: 'stack', 'data-testid': 'storage-form' }, use.above, kind.el, s3Part, path.el, result,
    h('div', { class: 'actions' }, remove, h('span', { class: 'grow' }), cancel && button('Cancel', { look: 'quiet', onClick: cancel }), test, save));
  bind(form, { fields, button: save, busy: 'Saving…', async submit() {
    put('storage', await use.save(wanted()));
    toast(use.saved, { iconName: 'cloud-ok' });
    done();
  } });
  return form;
}
