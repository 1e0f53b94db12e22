// Where the clips go: S3-compatible storage or a folder; tested before it is kept.
import { api } from './api.js';
import { ask, toast } from './dialog.js';
import { fill, h } from './dom.js';
import { bind, choice, field, place, wrong } from './form.js';
import { bitRate, count, plain } from './format.js';
import { tr } from './language.js';
import { button, elapsed, facts, problemBox, sentence, steps } from './parts.js';
import { definitions, put } from './store.js';
import { STORAGE_STEPS } from './words.js';

const MOST = 30;

async function carries(bytesPerSecond) {
  if (!bytesPerSecond) return null;
  const bits = bytesPerSecond * 8;
  let more = '';
  const enough = (high, standard) => { const one = count(high, 'Enough for {0} camera recording at the same moment in high definition', 'Enough for {0} cameras recording at the same moment in high definition'); return standard === null ? `${one}.` : tr`${one}, or ${plain(standard, 0)} in standard definition.`; };
  try {
    const list = await definitions();
    const rate = (kind) => list.find((d) => d.kind === kind)?.bitRate;
    const n = (kind) => (rate(kind) ? Math.floor(bits / rate(kind)) : null);
    const [high, standard] = [n('high'), n('standard')];
    if (high !== null) more = high >= 1 ? ` ${enough(high, standard)}` : tr` That is less than one camera recording in high definition; choose standard definition, and clips will wait their turn.`;
  } catch { /* the rate alone says enough */ }
  return sentence('ok', tr`Measured upload: ${bitRate(bits)}.${more}`);
}

/** The result of a test of the storage, drawn into `box`; `at` is the route of the first or second. */
export async function testStorage(box, target, fields = [], at = '/storage/test') {
  fill(box, h('div', { class: 'panel' }, elapsed(Date.now(), MOST, tr`Writing and reading a test file`), steps(STORAGE_STEPS, null, true)));
  try {
    const r = await api.post(at, target ? { target } : {});
    const rate = await carries(r.ok ? r.uploadBytesPerSecond : null);
    fill(box, h('div', { class: 'panel', 'data-testid': 'storage-test-result' }, h('div', { role: 'status' }, sentence(r.ok ? 'ok' : 'trouble', r.sentence)), rate, steps(STORAGE_STEPS, r.steps),
      r.abilities.length > 0 && h('details', { class: 'more', 'data-testid': 'storage-abilities' }, h('summary', {}, tr`What ${r.provider ?? tr`this storage`} can`), h('ul', {}, [...r.abilities.map((a) => a.sentence), ...r.remarks].map((t) => h('li', { class: 'small' }, t))))));
  } catch (problem) {
    fill(box);
    if (problem.errors?.length) place(problem, fields, box);
    else fill(box, problemBox(problem));
  }
}

export function targetFacts(t) {
  if (t.kind === 'folder') return facts([[tr`Kind`, tr`Folder`], [tr`Path`, h('code', {}, t.path)]]);
  return facts([[tr`Kind`, tr`S3-compatible storage`], [tr`Address`, h('code', {}, t.endpoint)], [tr`Bucket`, h('code', {}, t.prefix ? `${t.bucket}/${t.prefix}` : t.bucket)], [tr`Region`, t.region || tr`not set`],
    t.credentialsFile ? [tr`Keys`, h('code', {}, t.credentialsFile)] : [tr`Access key`, h('code', {}, t.accessKeyId)], !t.credentialsFile && [tr`Secret`, t.hasSecret ? tr`set` : tr`not set`], t.encryption && [tr`Encryption`, t.encryption === 'kms' ? tr`Key service` : 'AES-256'], [tr`Addressing`, t.addressing === 'path' ? tr`Bucket in the path` : tr`Bucket in the host name`], t.caCertificate && [tr`CA certificate`, tr`its own`]]);
}

/** How the first storage is set and removed; the second brings its own. */
const FIRST = {
  test: '/storage/test', above: null,
  save: (wanted) => api.put('/storage/target', wanted), saved: tr`Saved. Clips that wait are sent now.`,
  remove: () => api.delete('/storage/target'), removed: tr`The cloud storage has been removed.`,
  question: { title: tr`Remove the cloud storage?`, action: tr`Remove`, text: tr`Clips are no longer sent and wait on the box until another storage is set. Footage already in the cloud stays there, and cannot be played until this storage is set again.` },
};

export function targetForm({ target, done, cancel, use = FIRST }) {
  const t = target ?? { kind: 's3' };
  const s3 = t.kind === 's3' ? t : {};
  const kind = choice({ label: tr`Clips go to`, pointer: '/kind', value: t.kind, testid: 'target', onChange: () => shape(), options: [{ value: 's3', label: tr`S3-compatible storage` }, { value: 'folder', label: tr`Folder` }] });
  const text = (name, label, more = {}) => field({ label, pointer: `/${name}`, value: s3[name] ?? '', autocomplete: 'off', testid: `storage-${name}`, ...more });
  const endpoint = text('endpoint', tr`Address`, { hint: tr`Such as https://s3.eu-central-1.amazonaws.com`, inputmode: 'url' });
  const region = text('region', tr`Region`, { hint: tr`Such as eu-central-1. Many storages of one’s own take us-east-1.` });
  const bucket = text('bucket', tr`Bucket`);
  const prefix = text('prefix', tr`Prefix`, { optional: true, hint: tr`Put before the name of each clip.` });
  const accessKeyId = text('accessKeyId', tr`Access key id`);
  const kept = (has) => (has ? tr`One is set. Leave empty to keep it.` : '');
  const secretAccessKey = field({ label: tr`Secret access key`, pointer: '/secretAccessKey', type: 'password', autocomplete: 'new-password', hint: kept(s3.hasSecret), testid: 'storage-secret' });
  const sessionToken = field({ label: tr`Session token`, optional: true, pointer: '/sessionToken', type: 'password', autocomplete: 'off', hint: kept(s3.hasSessionToken) || tr`Only with temporary keys.` });
  const addressing = choice({ label: tr`Addressing`, pointer: '/addressing', value: s3.addressing ?? 'path', options: [{ value: 'path', label: tr`Bucket in the path` }, { value: 'virtual-host', label: tr`Bucket in the host name` }] });
  const caCertificate = field({ label: tr`CA certificate`, optional: true, pointer: '/caCertificate', type: 'area', value: s3.caCertificate ?? '', class: 'mono', hint: tr`PEM, only where the storage has a certificate of its own authority.`, rows: 4 });
  const credentialsFile = field({ label: tr`File with the keys`, optional: true, pointer: '/credentialsFile', value: s3.credentialsFile ?? '', autocomplete: 'off', class: 'mono', hint: tr`On the box, in the form of ~/.aws/credentials; for keys that another program renews. Takes the place of the keys above.` });
  const encryption = choice({ label: tr`Encryption in the storage`, pointer: '/encryption', value: s3.encryption ?? 'none', onChange: () => shape(), options: [{ value: 'none', label: tr`As the bucket does` }, { value: 'aes256', label: 'AES-256' }, { value: 'kms', label: tr`Key service` }] });
  const encryptionKey = field({ label: tr`Name of the key`, optional: true, pointer: '/encryptionKey', value: s3.encryptionKey ?? '', autocomplete: 'off', hint: tr`Left empty: the account’s own.` });
  const path = field({ label: tr`Path of the folder`, pointer: '/path', value: t.kind === 'folder' ? t.path : '', autocomplete: 'off', class: 'mono', hint: tr`A folder on the box or mounted on it, such as /mnt/nas/clips`, testid: 'storage-path' });
  const fields = [kind, endpoint, region, bucket, prefix, accessKeyId, secretAccessKey, sessionToken, addressing, caCertificate, credentialsFile, encryption, encryptionKey, path];
  const s3Part = h('div', { class: 'stack' }, endpoint.el, h('div', { class: 'pair' }, region.el, bucket.el), prefix.el, h('div', { class: 'pair' }, accessKeyId.el, secretAccessKey.el),
    h('details', { class: 'more', open: Boolean(s3.caCertificate || s3.hasSessionToken || s3.credentialsFile || s3.encryption || s3.addressing === 'virtual-host') }, h('summary', {}, tr`Session token, file of keys, addressing, encryption, certificate`), sessionToken.el, credentialsFile.el, addressing.el, encryption.el, encryptionKey.el, caCertificate.el));
  const shape = () => { s3Part.hidden = kind.value !== 's3'; path.el.hidden = kind.value !== 'folder'; encryptionKey.el.hidden = encryption.value !== 'kms'; };
  shape();

  function wanted() {
    if (kind.value === 'folder') {
      if (!path.given) throw wrong(path, tr`Enter the path of the folder.`);
      return { kind: 'folder', path: path.given };
    }
    if (!/^https?:\/\/.+/i.test(endpoint.given ?? '')) throw wrong(endpoint, tr`Enter the address of the storage; it begins with https://`);
    if (!bucket.given) throw wrong(bucket, tr`Enter the name of the bucket.`);
    if (!credentialsFile.given && !accessKeyId.given) throw wrong(accessKeyId, tr`Enter the access key id.`);
    if (!credentialsFile.given && !s3.hasSecret && !secretAccessKey.given) throw wrong(secretAccessKey, tr`Enter the secret access key.`);
    return { kind: 's3', endpoint: endpoint.given, region: region.given ?? '', bucket: bucket.given, prefix: prefix.given ?? '', accessKeyId: accessKeyId.given ?? '', credentialsFile: credentialsFile.given, encryption: encryption.value === 'none' ? null : encryption.value, encryptionKey: encryption.value === 'kms' ? encryptionKey.given : null, addressing: addressing.value,
      caCertificate: caCertificate.given, secretAccessKey: secretAccessKey.given, sessionToken: sessionToken.given };
  }

  const result = h('div', { 'aria-live': 'polite' });
  const test = button(tr`Test`, { iconName: 'test', testid: 'storage-test', async onClick() {
    for (const f of fields) f.error(null);
    let w;
    try { w = wanted(); } catch (own) { own.wrong.error(own.sentence); own.wrong.focus(); return; }
    test.disabled = true;
    await testStorage(result, w, fields, use.test);
    test.disabled = false;
  } });
  const save = button(tr`Save`, { look: 'primary', type: 'submit', testid: 'storage-save' });
  const remove = target && button(tr`Remove`, { look: 'danger-quiet', iconName: 'trash', async onClick() {
    if (!await ask(use.question)) return;
    try {
      await use.remove();
      put('storage', await api.get('/storage'));
      toast(use.removed);
      done();
    } catch (problem) { fill(result, problemBox(problem)); }
  } });
  const form = h('form', { class: 'stack', 'data-testid': 'storage-form' }, use.above, kind.el, s3Part, path.el, result,
    h('div', { class: 'actions' }, remove, h('span', { class: 'grow' }), cancel && button(tr`Cancel`, { look: 'quiet', onClick: cancel }), test, save));
  bind(form, { fields, button: save, busy: tr`Saving…`, async submit() {
    put('storage', await use.save(wanted()));
    toast(use.saved, { iconName: 'cloud-ok' });
    done();
  } });
  return form;
}
