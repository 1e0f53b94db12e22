// Devices that are being added: how far each is, what came out, and what to correct right there.
import { api, seg } from './api.js';
import { corrections, forAllRefused } from './corrections.js';
import { ask } from './dialog.js';
import { fill, h, icon, say } from './dom.js';
import { count } from './format.js';
import { tr } from './language.js';
import { title } from './navigate.js';
import { linkMany } from './link-many.js';
import { makeReady, presentReport, wantReady } from './make-ready.js';
import { addedWords, needsYou, progress } from './onboarding-banner.js';
import { bar, button, details, head, link, problemBox, sentence } from './parts.js';
import { findings, remarks } from './report.js';
import { channelsOf, put, store } from './store.js';
import { DEVICE_STEPS, finderName, modelWords } from './words.js';

const STATES = {
  waiting: { word: tr`Waiting`, tone: 'plain', icon: 'clock' },
  working: { word: tr`Working`, tone: 'busy', icon: 'cog' },
  added: { word: tr`Added`, tone: 'ok', icon: 'check' },
  failed: { word: tr`Needs you`, tone: 'trouble', icon: 'warn' },
};

function card(first, path) {
  const name = h('h2', {});
  const where = h('span', { class: 'muted small' });
  const state = h('span', { class: 'chip-place' });
  const now = h('p', { class: 'muted', role: 'status' });
  const trouble = h('div', {});
  const advice = h('div', {});
  const onward = h('div', { class: 'row wrap' });
  const found = h('div', {});
  const more = h('details', { class: 'details' }, h('summary', {}, tr`Step by step`), found);
  const el = h('section', { class: 'card onboarding-item', 'data-testid': 'onboarding-item', 'data-index': first.index },
    h('div', { class: 'row between top' }, h('div', {}, name, where), state), now, trouble, advice, onward, more);
  const drawn = {};
  const changed = (what, value) => {
    const key = JSON.stringify(value ?? null);
    if (drawn[what] === key) return false;
    drawn[what] = key;
    return true;
  };
  function update(item) {
    const { report, failure, deviceId } = item;
    const device = store.devices.get(deviceId);
    const present = item.state === 'added' ? presentReport(deviceId, report) : report;
    el.dataset.state = item.state;
    el.dataset.address = item.address;
    const seen = [...store.discovered.values()].find((d) => d.address === item.address);
    const model = modelWords(device?.identity ?? seen?.identity);
    say(name, device?.name ?? item.name ?? finderName(seen?.identity) ?? (model || item.address));
    say(where, [finderName(seen?.identity), model, item.address].filter((w) => w && w !== name.textContent).join(' · '));
    const done = report.steps.filter((s) => s.state !== 'waiting' && s.state !== 'working').length;
    const s = STATES[item.state] ?? STATES.waiting;
    if (changed('state', [item.state, done])) {
      fill(state, h('span', { class: `chip ${s.tone}`, 'data-state': item.state }, icon(s.icon), item.state === 'working' ? tr`Step ${Math.min(done + 1, report.steps.length)} of ${report.steps.length}` : s.word));
    }
    const step = report.steps.find((x) => x.state === 'working') ?? report.steps.findLast((x) => x.state === 'ok' || x.state === 'attention');
    say(now, item.state === 'waiting' ? tr`Its turn comes when one of the others is done.` : item.state === 'working' ? step?.sentence || `${DEVICE_STEPS.find(([code]) => code === step?.name)?.[1] ?? tr`Begin`}…` : item.state === 'added' && !present.mended ? present.steps.at(-1)?.sentence ?? '' : '');
    now.hidden = !now.textContent;
    // What is typed into a correction stays while other news comes.
    if (changed('failure', item.state === 'failed' ? failure : null)) {
      fill(trouble, item.state === 'failed' && [sentence('trouble', failure?.sentence ?? tr`It could not be added.`, failure?.detail && details(`code ${failure.code}\n${item.address}\n${failure.detail}`)),
        corrections({ item, path: `${path}/devices/${item.index}`, taken: (next) => put('onboarding', next) })]);
    }
    const channels = item.state === 'added' ? channelsOf(deviceId) : [];
    if (changed('onward', [item.state, deviceId, channels.map((c) => [c.id, c.name, c.linked])])) {
      const open = channels.filter((c) => !c.linked);
      fill(onward, item.state === 'added' && deviceId && [
        channels.length === 1 && open.length > 0 && link(`#/cameras/${seg(open[0].id)}/link`, 'button', icon('cloud'), h('span', {}, tr`Link to the cloud`)),
        channels.length === 1 && link(`#/cameras/${seg(channels[0].id)}`, 'button quiet', tr`The camera`),
        link(`#/device/${seg(deviceId)}`, 'button quiet', channels.length > 1 ? tr`The device and its ${channels.length} channels` : tr`The device`)]);
    }
    if (changed('report', [item.state, present])) {
      fill(advice, item.state === 'added' && remarks({ ...present, recommendation: null }));
      fill(found, findings({ ...present, mended: null, remarks: [], recommendation: null }));
    }
    more.hidden = item.state === 'waiting';
  }
  update(first);
  return { el, update };
}

export async function onboardingPage({ root, params: [id], on, skeleton }) {
  title(tr`Adding devices`);
  const path = `/onboardings/${seg(id)}`;
  if (!store.onboardings.has(id)) skeleton();
  const load = async () => store.onboardings.set(id, await api.get(path));
  await load();
  const cards = new Map();
  const list = h('div', { class: 'onboarding-list' });
  const figure = h('div', { class: 'figure', 'data-testid': 'onboarding-progress' });
  const message = h('div', { class: 'form-message', role: 'alert' });
  const toCloud = button(tr`Link to the cloud`, { look: 'primary', iconName: 'cloud', testid: 'link-added', 'aria-expanded': 'false', onClick: () => openLinks() });
  const onward = h('div', { class: 'row wrap' }, toCloud, link('#/cameras', 'button', icon('camera'), h('span', {}, tr`To the cameras`)), link('#/add', 'button quiet', icon('plus'), h('span', {}, tr`Add more`)));
  const items = () => store.onboardings.get(id)?.items ?? [];
  const added = () => items().filter((i) => i.state === 'added' && i.deviceId);
  const channels = () => added().flatMap((i) => channelsOf(i.deviceId)).filter((c) => c.proxied !== false);
  const links = h('div', {});
  async function openLinks() {
    toCloud.disabled = true;
    fill(message);
    try {
      fill(links, await linkMany({ channels, on, close() { fill(links); drawn = ''; draw(); } }));
      links.scrollIntoView({ block: 'nearest' });
    } catch (problem) { fill(message, problemBox(problem)); }
    toCloud.disabled = false;
    drawn = '';
    draw();
  }
  const refused = forAllRefused({ items: () => items().filter((i) => i.state === 'failed' && i.failure?.code === 'wrong-password'), mistyped: () => added().length === 0, path, taken: (next) => put('onboarding', next) });
  const wanting = () => wantReady(added().map((i) => [i.deviceId, i.report]));
  const ready = makeReady({ channels: wanting, label: tr`Make all ready for the cloud`, look: 'plain' });
  const readyWords = h('p', {});
  const readyPlace = h('section', { class: 'card stack', 'data-testid': 'all-ready' }, h('h2', {}, tr`Better for the cloud`), readyWords, ready.el);
  const heading = h('h1', { tabindex: -1 });
  const cancel = button(tr`Stop the rest`, { iconName: 'cross', testid: 'onboarding-cancel', async onClick() {
    const p = progress(store.onboardings.get(id));
    if (!await ask({ title: tr`Stop adding?`, action: tr`Stop the rest`, text: count(p.all - p.settled, '{0} device is not done and will not be added. Those that are added stay.', '{0} devices are not done and will not be added. Those that are added stay.') })) return;
    cancel.disabled = true;
    try { await api.delete(path); await load(); draw(); } catch (problem) { fill(message, problemBox(problem)); }
    cancel.disabled = false;
  } });

  function toFailed() {
    const first = list.querySelector('[data-state=failed]');
    first?.scrollIntoView({ block: 'center' });
    first?.querySelector('form input, form button')?.focus({ preventScroll: true });
  }

  let drawn = '';
  function draw() {
    const job = store.onboardings.get(id);
    if (!job) return;
    for (const item of job.items) {
      if (cards.has(item.index)) cards.get(item.index).update(item);
      else { cards.set(item.index, card(item, path)); list.append(cards.get(item.index).el); }
    }
    const p = progress(job);
    refused.draw();
    const want = job.done ? wanting().length : 0;
    readyPlace.hidden = !(want || ready.busy);
    say(readyWords, count(want, '{0} camera could be set better for the cloud copy. You see what would change before anything does.', '{0} cameras could be set better for the cloud copy. You see what would change before anything does.'));
    toCloud.hidden = Boolean(links.firstChild) || !channels().some((c) => !c.linked);
    const key = JSON.stringify([p, job.done]);
    if (key === drawn) return;
    drawn = key;
    say(heading, job.done ? addedWords(p) : tr`Adding ${count(p.all, 'device')}`);
    fill(figure, h('div', { class: 'figure-head' }, h('span', { class: 'number', role: 'status' }, tr`${p.settled} of ${count(p.all, 'device')} tried`, !job.done && h('span', { class: 'muted' }, tr`, ${p.added} added`)), p.failed > 0 && button(needsYou(p.failed), { look: 'quiet small', iconName: 'warn', testid: 'first-failed', onClick: () => toFailed() })),
    bar(p.settled / p.all, tr`Devices tried`, p.failed ? 'attention' : ''),
    !job.done && h('p', { class: 'muted small' }, tr`You can leave this page; the work goes on, and “Cameras” leads back to it.`));
    cancel.hidden = job.done;
  }
  on('onboarding', (item) => { if (!item || item.onboardingId === id) draw(); });
  for (const name of ['device', 'channel', 'check', 'discovered']) on(name, draw);
  on('resync', async () => { await load(); draw(); });
  fill(root, head([link('#/add', 'back', icon('back'), tr`Add cameras`), heading], cancel), h('div', { class: 'narrow' }, figure, onward, message, refused.el, links, readyPlace), list);
  draw();
  if (!store.discovered.size) { // the names under which they were found
    api.get('/discovery').then(({ items: seen }) => { for (const d of seen) store.discovered.set(d.id, d); draw(); }, () => {});
  }
}
