// One device: what it is, how it is, how the box reaches it, and what can be done on it. Only what it can is shown.
import { api, seg } from './api.js';
import { codeButton, deviceCodeHolds } from './code-dialog.js';
import { CHECK_SECONDS, checking, startCheck } from './device-check.js';
import { connection } from './device-connection.js';
import { clockCard, disksCard, doorsCard, upkeepCard } from './device-upkeep.js';
import { ask, toast } from './dialog.js';
import { fill, h, icon, say } from './dom.js';
import { toggle } from './form.js';
import { count, when } from './format.js';
import { tr } from './language.js';
import { go, title } from './navigate.js';
import { tellButton } from './notify.js';
import { makeReady, presentReport, wantReady } from './make-ready.js';
import { button, card, details, elapsed, facts, head, link, piece, problemBox, sentence, steps } from './parts.js';
import { findings, remarks } from './report.js';
import { channelsOf, put, remove, store } from './store.js';
import { DEVICE_STEPS, deviceKind, DRIVERS, eventType, modelWords, severity } from './words.js';

function stateSentence(state, what) {
  if (!state) return null;
  return sentence(state.severity, what + state.sentence, state.severity !== 'ok' && h('p', { class: 'muted small' }, tr`Since ${when(state.since)}.`),
    state.detail && details(`${state.code}\nsince ${state.since}\n${state.detail}`));
}

/** Kinds of events that the device keeps to itself, each with the switch that makes it tell. */
function silent(report, device) {
  return (report.silentEvents ?? []).flatMap(({ channel, types }) => {
    const found = channelsOf(device.id).find((c) => (c.number ?? 1) === channel);
    return !found ? [] : types.map((type) => h('div', { class: 'ask-row', 'data-testid': 'silent-event' },
      h('span', {}, h('span', { class: 'strong' }, `${found.name}: ${eventType(type).word}`), h('span', { class: 'muted small' }, tr`The device sees it and does not tell the box.`)),
      tellButton(found, type)));
  });
}

function channelRows(deviceId) {
  return channelsOf(deviceId).map((c) => {
    const offline = c.online === false;
    const s = severity(offline ? 'attention' : c.state.severity);
    const where = [c.input && { own: tr`its own lens`, network: tr`network camera`, analog: tr`cable` }[c.input], c.sourceModel, c.sourceAddress].filter(Boolean).join(', ');
    return h('li', { class: 'channel-row', 'data-testid': 'channel-row', 'data-number': c.number },
      toggle({ label: h('span', { class: 'row' }, icon(s.icon, s.word), link(`#/cameras/${seg(c.id)}`, '', c.name)), on: c.proxied !== false, testid: `proxy-${c.number}`,
        hint: [tr`Channel ${c.number}`, where, offline ? tr`no picture: the camera behind it is offline` : c.proxied === false ? tr`not shown and not recorded` : c.state.sentence].filter(Boolean).join(' · '),
        act: async (next) => put('channel', await api.patch(`/channels/${seg(c.id)}`, { proxied: next })) }).el);
  });
}

export async function devicePage({ root, params: [id], on, skeleton }) {
  const path = `/devices/${seg(id)}`;
  skeleton();
  put('device', await api.get(path));
  const now = () => store.devices.get(id);
  title(now().name);
  const can = (name) => now().capabilities?.includes(name);
  const act = async (method, tail, body) => { const answer = await api[method](path + tail, body); if (answer?.id) put('device', answer); return answer; };
  const name = h('h1', { tabindex: -1 });
  const kind = h('span', { class: 'muted' });
  const message = h('div', { class: 'form-message', role: 'alert' });
  const run = (b, fn) => async () => {
    b().disabled = true;
    fill(message);
    try { await fn(); } catch (problem) { fill(message, problemBox(problem)); }
    b().disabled = false;
  };

  const state = h('div', { 'data-testid': 'device-state', 'aria-live': 'polite' });
  const about = h('div', { 'data-testid': 'device-facts' });
  const report = h('div', { class: 'stack', 'data-testid': 'device-report' });
  const channels = h('ul', { class: 'plain-list' });
  const channelsCard = card(tr`Channels`, h('p', { class: 'muted small' }, tr`A channel that is switched off is neither shown nor recorded by the box.`), channels);
  const lastCheck = card(tr`Last check`, report);
  const ready = makeReady({ channels: () => wantReady([[id, now().report]]) });
  const found = h('div', {});
  lastCheck.append(ready.el, found);
  const check = button(tr`Check again`, { iconName: 'test', testid: 'device-check', async onClick() {
    check.disabled = true;
    fill(message);
    try { await startCheck(id); lastCheck.scrollIntoView({ block: 'nearest' }); } catch (problem) { fill(message, problemBox(problem)); }
    draw();
  } });
  const gone = button(tr`Delete device`, { look: 'danger-quiet', iconName: 'trash', testid: 'delete-device', async onClick() {
    const d = now();
    const n = d.channelIds.length;
    const effect = n === 0 ? tr`Deletes the device and its settings from the box. On the device nothing changes; footage in the cloud stays until its retention ends.`
      : n === 1 ? tr`Deletes the device with its camera and their settings from the box. On the device nothing changes; footage in the cloud stays until its retention ends.`
        : tr`Deletes the device with its ${n} cameras and their settings from the box. On the device nothing changes; footage in the cloud stays until its retention ends.`;
    const plans = store.user?.isOwner && store.system?.plansEnforced ? ` ${tr`A plan for cloud storage that it has ends, and what is left of it is lost.`}` : '';
    if (!await ask({ title: tr`Delete ${d.name}?`, action: tr`Delete device`, text: effect + plans })) return;
    await run(() => gone, async () => {
      await api.delete(path);
      remove({ kind: 'device', id });
      toast(tr`${d.name} has been deleted.`);
      go('/cameras');
    })();
  } });

  const drawState = piece(state, () => [now().state, now().eventsState], () => [stateSentence(now().state, ''), stateSentence(now().eventsState, '')]);
  const drawAbout = piece(about, () => { const d = now(); return [d.identity, d.address, d.httpPort, d.https, d.port, d.driver, d.driverReason, d.driverChosen, d.notifications, d.lastNotificationAt, d.certificate]; }, () => {
    const d = now();
    const i = d.identity;
    return facts([
      [tr`Kind`, deviceKind(i.kind).word],
      i.make && [tr`Make`, i.make], i.model && [tr`Model`, i.model], i.name && i.name !== d.name && [tr`Called on the device`, i.name],
      i.serialNumber && [tr`Serial number`, h('code', {}, i.serialNumber)], i.firmware && [tr`Firmware`, i.firmware], i.macAddress && [tr`MAC address`, h('code', {}, i.macAddress)],
      [tr`Address`, d.driver === 'rtsp' ? tr`${d.address}, RTSP port ${d.port}` : tr`${d.address}, ${d.https ? 'HTTPS' : 'HTTP'} port ${d.httpPort}`],
      [tr`Language`, `${DRIVERS[d.driver] ?? d.driver}${d.driverChosen ? tr`, chosen by hand` : ''}`, d.driverReason && h('span', { class: 'muted small block-line' }, d.driverReason)],
      d.eventsState && [tr`Messages`, `${count(d.notifications, 'message')}${d.lastNotificationAt ? tr`, the last ${when(d.lastNotificationAt)}` : ''}`],
      d.certificate && [tr`Certificate`, h('code', {}, d.certificate)],
    ]);
  });
  const present = () => presentReport(id, now().report);
  /** A check that was begun here, while the report is still the one before. */
  const awaited = () => { const c = checking(id); return c && now().report?.startedAt === (c.was ?? undefined) ? c.since : null; };
  const drawReport = piece(report, () => [awaited(), present(), channelsOf(id).map((c) => c.name)], () => {
    const [r, since] = [present(), awaited()];
    if (since) return h('div', { 'data-testid': 'device-checking' }, elapsed(since, CHECK_SECONDS, tr`The box tries the device`));
    if (!r) return h('p', { class: 'muted' }, tr`It has not been tried as a whole yet. “Check again” does so.`);
    return [h('p', { class: 'muted small', role: 'status' }, r.finishedAt ? tr`From ${when(r.finishedAt)}.` : tr`Going on…`), silent(r, now()), remarks(r)];
  });
  const drawFound = piece(found, () => [awaited(), present(), now().check], () => {
    if (awaited()) return steps(DEVICE_STEPS, now().check?.steps ?? null, true);
    return present() && findings({ ...present(), mended: null, remarks: [], recommendation: null });
  });
  const drawChannels = piece(channels, () => channelsOf(id).map((c) => [c.id, c.name, c.online, c.proxied, c.state.severity, c.state.sentence]), () => channelRows(id));

  const pieces = [clockCard, disksCard, doorsCard, upkeepCard].map((make) => make({ id, path, now, can, act, on }));
  function draw() {
    if (!now()) return;
    say(name, now().name);
    say(kind, [deviceKind(now().identity.kind).word, modelWords(now().identity)].filter(Boolean).join(' · '));
    for (const fn of [drawState, drawAbout, drawReport, drawFound, drawChannels]) fn();
    check.disabled = Boolean(checking(id));
    say(check.querySelector('span'), check.disabled ? tr`Checking…` : tr`Check again`);
    ready.el.hidden = Boolean(awaited()) || !(ready.busy || wantReady([[id, now().report]]).length);
    channelsCard.hidden = now().channelIds.length < 2;
    for (const p of pieces) p.draw();
  }
  on('device', (d) => { if (d.id === id) draw(); });
  on('channel', (c) => { if (c.deviceId === id) draw(); });
  on('resync', draw);
  on('check', (which) => { if (which === id) draw(); });
  on('removed', (what) => { if (what.kind === 'device' && what.id === id) go('/cameras'); });

  const maySet = store.sites.find((site) => site.id === now().siteId)?.permissions.includes('configure');
  const code = maySet && h('div', { class: 'actions' }, codeButton({ path: `${path}/code`, name: () => now().name, holds: deviceCodeHolds(), testid: 'device-code' }));
  const [clock, disks, doors, upkeep] = pieces;
  const cameras = channelsOf(id);
  fill(root, head([link('#/cameras', 'back', icon('back'), tr`Cameras`), name, kind],
    cameras.length === 1 && link(`#/cameras/${seg(cameras[0].id)}`, 'button', icon('camera'), h('span', {}, tr`The camera`)), check),
  h('div', { class: 'columns' },
    h('div', {}, state, message, doors.el, card(tr`What it is`, about, code), channelsCard, lastCheck),
    h('div', {}, card(tr`How the box reaches it`, connection({ id, now, act, on })), clock.el, disks.el, upkeep.el, h('div', { class: 'row' }, gone))));
  draw();
}
