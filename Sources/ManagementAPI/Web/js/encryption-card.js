// Whether footage is encrypted before it leaves the box: on, off, the code, the recovery file.
import { api, seg } from './api.js';
import { ask, toast } from './dialog.js';
import { fill, h, icon } from './dom.js';
import { bind, choice, field } from './form.js';
import { full } from './format.js';
import { tr } from './language.js';
import { button, fileButton, problemBox, sentence } from './parts.js';
import { store } from './store.js';

function recoveryLink(state) {
  const a = h('a', { class: 'button', href: state.recoveryFileUrl, download: '', 'data-testid': 'recovery-file' }, icon('download'), h('span', {}, tr`Save the recovery file`));
  return a;
}

/** The card of the Cloud page. */
export function encryptionCard() {
  const body = h('div', { class: 'stack' });
  // Each site has a key and a code of its own.
  const site = store.sites.length > 1 && field({ label: tr`Site`, type: 'select', options: store.sites.map((one) => [one.id, one.name]), value: store.system.site?.id, testid: 'encryption-site' });
  site?.el?.addEventListener('change', () => load());
  const el = h('section', { class: 'card', 'data-testid': 'encryption' }, h('h2', {}, tr`Encryption`), site ? h('div', { class: 'stack' }, site.el, body) : body);
  let state = null;

  const path = () => (site ? `/storage/encryption?siteId=${seg(site.value)}` : '/storage/encryption');
  const put = async (change) => { state = await api.put(path(), change); };
  async function load() {
    try { state = await api.get(path()); draw(); } catch (problem) { if (problem.status !== 401) fill(body, problemBox(problem)); }
  }

  function draw() {
    if (!state.enabled) {
      fill(body, sentence('off', state.siteKey ? tr`New clips go up as they are. Older ones stay encrypted and open with their code.` : tr`Clips go up as they are: whoever can open the storage can watch them.`),
        h('p', { class: 'muted' }, tr`Encrypted, they can only be watched by people who know the verification code. The storage never gets it.`),
        h('div', { class: 'actions' }, button(tr`Encrypt clips`, { look: 'primary', testid: 'encryption-on', onClick: () => (state.siteKey ? change({ enabled: true }, tr`Clips that go up from now on are encrypted.`) : form(true)) }), state.siteKey && recoveryLink(state)), others());
      return;
    }
    fill(body, sentence('ok', tr`Clips and their pictures are encrypted before they leave the box, also those that waited when it was switched on.`, h('p', { class: 'muted small' }, tr`The code was set ${full(state.codeSetAt)}.`)),
      h('p', { class: 'muted' }, tr`If the box is lost, the recovery file and the code open the footage. Keep them apart from the box and from one another.`),
      h('div', { class: 'actions' }, recoveryLink(state), button(tr`Change the code`, { testid: 'encryption-change-code', onClick: () => form(false) }),
        button(tr`Switch off`, { look: 'quiet', testid: 'encryption-off', async onClick() {
          if (await ask({ title: tr`Stop encrypting clips?`, text: tr`New clips go up as they are, for whoever can open the storage. Clips that are encrypted stay so and open with the code.`, action: tr`Switch off` })) change({ enabled: false }, tr`New clips are not encrypted.`);
        } })), others());
  }

  /** Recovery files of boxes of before. */
  function others() {
    return h('div', { class: 'stack' },
      state.importedKeys.length > 0 && h('p', { class: 'muted', 'data-testid': 'imported-keys' }, tr`Also opens, each with the code of its own recovery file: ${state.importedKeys.map((k) => tr`clips of box ${k.box}${k.siteName ? ` (${k.siteName})` : ''}`).join('; ')}.`),
      h('p', { class: 'muted small' }, tr`This box takes the place of another? Then its recovery file opens the clips of before.`),
      h('div', { class: 'actions' }, fileButton(tr`Import a recovery file`, 'recovery-import', recover)));
  }

  /** A recovery file was chosen: its code proves that it opens. */
  function recover(file) {
    const code = field({ label: tr`Its verification code`, type: 'password', pointer: '/code', testid: 'recovery-code', autocomplete: 'off', hint: tr`The one that was in force when the file was saved.` });
    const go = button(tr`Import`, { look: 'primary', type: 'submit', testid: 'recovery-save' });
    const el = h('form', { class: 'stack', 'data-testid': 'recovery-form' }, h('p', {}, h('span', { class: 'strong' }, file.name)), code.el, h('div', { class: 'actions' }, go, button(tr`Cancel`, { onClick: draw })));
    bind(el, { fields: [code], button: go, busy: tr`Opening`, async submit() {
      if (file.size > 16384) throw { detail: tr`This is not a recovery file. Choose the one that was saved when clips were first encrypted.`, status: 422 };
      const done = await api.post('/storage/encryption/recovery-file', { recoveryFile: await file.text(), code: code.value });
      await load();
      toast(done.sentence);
    } });
    fill(body, el);
    code.focus();
  }

  async function change(wanted, words) {
    try {
      await put(wanted);
      draw();
      toast(words);
    } catch (problem) { fill(body, problemBox(problem), h('div', { class: 'actions' }, button(tr`Back`, { onClick: draw }))); }
  }

  /** The first code, or another one. */
  function form(first) {
    const code = field({ label: first ? tr`Your code` : tr`New code`, type: 'password', pointer: '/code', testid: 'encryption-code', autocomplete: 'new-password', hint: tr`At least 12 characters, well mixed, or 20 and more. Whoever gets the recovery file can try codes without end.` });
    const present = field({ label: tr`Present code`, type: 'password', pointer: '/currentCode', testid: 'encryption-present', autocomplete: 'off' });
    const password = field({ label: tr`Your password`, type: 'password', pointer: '/password', testid: 'encryption-password', autocomplete: 'current-password', hint: tr`The one with which you sign in.` });
    const proof = !first && choice({ label: tr`Present code`, value: 'known', testid: 'encryption-proof', onChange: (v) => { present.el.hidden = v !== 'known'; password.el.hidden = v === 'known'; }, options: [{ value: 'known', label: tr`I know it` }, { value: 'lost', label: tr`It is lost` }] });
    password.el.hidden = true;
    const kind = first && choice({ label: tr`Verification code`, value: 'drawn', testid: 'encryption-kind', onChange: (v) => { code.el.hidden = v === 'drawn'; }, options: [{ value: 'drawn', label: tr`Made by the box` }, { value: 'own', label: tr`My own` }] });
    code.el.hidden = first;
    const go = button(first ? tr`Encrypt clips` : tr`Set the code`, { look: 'primary', type: 'submit', testid: 'encryption-save' });
    const el = h('form', { class: 'stack', 'data-testid': 'encryption-form' },
      !first && h('p', { class: 'muted' }, tr`The new code opens all clips, older ones too. A recovery file that was saved before opens with the code of its time: save a new one and destroy the old one.`),
      kind && kind.el, proof && proof.el, !first && present.el, !first && password.el, code.el, h('div', { class: 'actions' }, go, button(tr`Cancel`, { onClick: draw })));
    bind(el, { fields: [present, password, code], button: go, busy: tr`Setting`, async submit() {
      const own = !first || kind.value === 'own';
      const by = first ? {} : proof.value === 'known' ? { currentCode: present.given } : { password: password.given };
      await put(own ? { enabled: true, code: code.value, ...by } : { enabled: true });
      told(own ? null : state.code);
    } });
    fill(body, el);
    if (!first) present.focus();
  }

  /** Once: the code that the box made, and the file. */
  function told(code) {
    fill(body, code && sentence('attention', tr`Write this code down now. The box does not keep it and cannot show it again.`),
      code && h('p', { class: 'secret-code', 'data-testid': 'encryption-drawn' }, code),
      sentence('attention', tr`Save the recovery file too: if the box is lost, only the file and the code together open the footage.`),
      h('div', { class: 'actions' }, recoveryLink(state), button(tr`Done`, { look: 'primary', testid: 'encryption-done', onClick() { state.code = null; draw(); } })));
  }

  load();
  return el;
}
