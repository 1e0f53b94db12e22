// The card of the box's own program: which version runs, which is newer, how the box comes to it, and what became of the upgrades.
import { api } from './api.js';
import { ask, toast } from './dialog.js';
import { fill, h } from './dom.js';
import { bind, field } from './form.js';
import { bytes, percent, when, zoneName } from './format.js';
import { tr } from './language.js';
import { bar, button, card, facts, fileButton, problemBox, sentence, time } from './parts.js';
import { may, on } from './store.js';

const OUTCOMES = { running: ['working', tr`goes on`], confirmed: ['ok', tr`stayed`], 'rolled-back': ['trouble', tr`went back`], failed: ['attention', tr`did not begin`] };
/** Who asked for an upgrade, where it was nobody with a name. */
const ORIGINS = { itself: tr`by itself`, outside: tr`from outside the box: a package, or by hand`, updater: tr`the updater: the box could not do it itself`, 'former-owner': tr`a former owner` };
const CHANNELS = [['stable', tr`Stable versions`], ['candidate', tr`Candidates too, before all others`]];

function offered(release) {
  return h('div', { class: 'stack', 'data-testid': 'firmware-available', 'data-version': release.version },
    sentence('ok', tr`Version ${release.version} is there.`, release.notes && h('p', { class: 'muted small notes' }, release.notes),
      h('p', { class: 'muted small' }, release.missingBytes < release.bytes ? tr`${bytes(release.missingBytes)} of its ${bytes(release.bytes)} are to be fetched: the rest the box has already.` : tr`${bytes(release.bytes)} are to be fetched.`)),
    release.obstacle && sentence('attention', release.obstacle));
}

function progress(firmware) {
  const p = firmware.progress;
  switch (firmware.phase) {
    case 'checking': return sentence('working', tr`Asking which versions there are…`);
    case 'fetching': return h('div', { class: 'stack' }, sentence('working', p ? tr`Fetching the new version: ${percent(p.done / p.total)} of ${bytes(p.total)}. It cannot be stopped; the box goes on recording.` : tr`The upgrade has begun. It cannot be stopped; the box goes on recording.`),
      p && bar(p.done / p.total, tr`New version`));
    case 'switching': return sentence('working', tr`The box ends and begins with the other version. This page comes back by itself in a few seconds.`);
    case 'trial': return h('div', { class: 'stack' }, sentence('working', tr`The new version runs and proves itself: ${p.done} of ${p.total} minutes. If it does less than the one before, the box goes back by itself.`),
      bar(p.done / p.total, tr`Proves itself`));
    default: return null;
  }
}

function past(upgrades) {
  return h('ul', { class: 'plain-list', 'data-testid': 'firmware-history' }, upgrades.map((u) => {
    const [look, word] = OUTCOMES[u.state];
    return h('li', { 'data-state': u.state }, sentence(look, tr`${u.from} → ${u.to} ${word}`,
      h('p', { class: 'muted small' }, time(u.startedAt), ' · ', u.by ?? ORIGINS[u.origin]), u.reason && h('p', { class: 'small' }, u.reason)));
  }));
}

export function firmwareCard({ cleanup }) {
  const place = h('div', { class: 'stack', 'data-testid': 'firmware-state' });
  const message = h('div', { class: 'form-message', role: 'alert' });
  const history = h('details', { class: 'stack' }, h('summary', { 'data-testid': 'firmware-past' }, tr`What became of the upgrades`));
  const list = h('div', {});
  history.append(list);
  const sets = may('configure-box');
  const policy = sets ? policyForm((firmware) => show(firmware)) : null;
  const file = sets && h('div', { class: 'row wrap' }, fileButton(tr`Take it from a file`, 'firmware-file', take, { accept: '.gatehouse,application/octet-stream' }));
  const el = card(tr`Firmware`, h('div', { class: 'stack' }, place, message, history, policy && h('details', {}, h('summary', { 'data-testid': 'firmware-policy' }, tr`When it is upgraded`), policy.el), file));
  el.dataset.testid = 'firmware';

  const run = async (begin, meanwhile) => {
    fill(message, meanwhile && sentence('working', meanwhile));
    try { show(await begin()); fill(message); } catch (problem) { fill(message, problemBox(problem)); }
  };

  async function take(chosen) {
    await run(() => api.put('/firmware/file', chosen), tr`Uploading…`);
  }

  async function upgrade(version) {
    if (!await ask({ title: tr`Upgrade to ${version}?`, text: tr`Once it has begun it cannot be stopped. The box goes on recording while it fetches the version, and is away for a few seconds when it begins with it. If the new version does less than this one, the box goes back by itself.`, action: tr`Upgrade` })) return;
    await run(() => api.post('/firmware/upgrade', { version }));
  }

  function show(firmware) {
    const f = firmware;
    const isIdle = f.phase === 'idle';
    const canAsk = sets && isIdle && f.isManaged && f.hasSource;
    place.dataset.phase = f.phase;
    fill(place, facts([[tr`Version`, f.version], f.checkedAt && [tr`Asked for newer ones`, when(f.checkedAt)],
      f.isManaged && [tr`Upgrades`, f.automatic ? tr`by itself, from ${f.windowFrom} to ${f.windowTo} (${zoneName(f.timeZone)})` : tr`when somebody says so`]]),
    !f.isManaged && sentence('off', tr`This box was not started by gatehouse-launcher. It is upgraded as it was installed.`),
    f.isManaged && !f.hasSource && sentence('off', tr`The configuration names no server of versions (firmware.source). New versions come in a file.`),
    progress(f), f.trouble && isIdle && h('div', { 'data-testid': 'firmware-trouble' }, sentence('attention', f.trouble)), isIdle && f.available && offered(f.available),
    isIdle && f.isManaged && f.hasSource && f.checkedAt && !f.available && !f.trouble && sentence('ok', tr`There is no newer version for this box.`),
    canAsk && h('div', { class: 'row wrap' }, f.available?.canUpgrade && button(tr`Upgrade to ${f.available.version}`, { look: 'primary', testid: 'firmware-upgrade', onClick: () => upgrade(f.available.version) }),
      button(tr`Look for newer ones`, { iconName: 'search', testid: 'firmware-check', onClick: () => run(() => api.post('/firmware/check')) })));
    if (file) file.hidden = !isIdle || !f.isManaged;
    policy?.show(f);
    history.hidden = !f.isManaged;
    if (history.open) loadHistory();
  }

  async function loadHistory() {
    try {
      const { items } = await api.get('/firmware/history');
      fill(list, items.length ? past(items) : h('p', { class: 'muted small' }, tr`There was none yet.`));
    } catch (problem) { fill(list, problemBox(problem)); }
  }
  history.addEventListener('toggle', () => { if (history.open) loadHistory(); });
  cleanup(on('firmware', show));

  async function load() {
    try { show(await api.get('/firmware')); } catch (problem) { fill(place, problemBox(problem)); }
  }
  return { el, load };
}

function policyForm(saved) {
  const automatic = field({ label: tr`Upgrades`, pointer: '/automatic', type: 'select', options: [['true', tr`By itself, within the hours below`], ['false', tr`Only when somebody says so`]], testid: 'firmware-automatic' });
  const from = field({ label: tr`From`, pointer: '/windowFrom', type: 'time', testid: 'firmware-from' });
  const to = field({ label: tr`To`, pointer: '/windowTo', type: 'time', testid: 'firmware-to' });
  const channel = field({ label: tr`Which versions`, pointer: '/channel', type: 'select', options: CHANNELS, testid: 'firmware-channel' });
  const save = button(tr`Save`, { look: 'primary', type: 'submit', testid: 'firmware-save' });
  const form = h('form', { class: 'stack', 'data-testid': 'firmware-form' }, automatic.el, h('div', { class: 'row wrap' }, from.el, to.el), channel.el, h('div', { class: 'actions' }, save));
  let shown = null;
  bind(form, { fields: [automatic, from, to, channel], button: save, busy: tr`Saving…`, async submit() {
    const firmware = await api.patch('/firmware', { automatic: automatic.value === 'true', windowFrom: from.value, windowTo: to.value, channel: channel.value });
    saved(firmware);
    toast(tr`Saved.`);
  } });
  return {
    el: form,
    /** What is being typed stays as long as the box says the same. */
    show(f) {
      const now = JSON.stringify([f.automatic, f.windowFrom, f.windowTo, f.channel]);
      if (now === shown) return;
      shown = now;
      [automatic.value, from.value, to.value, channel.value] = [String(f.automatic), f.windowFrom, f.windowTo, f.channel];
      from.hint(zoneName(f.timeZone));
    },
  };
}
