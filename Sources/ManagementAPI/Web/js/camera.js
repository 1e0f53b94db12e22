// One camera: its picture, how it is, what one can do now, its last events and its settings.
import { api, noConnection, seg } from './api.js';
import { cloudCopy, definitionWords } from './cloud-copy.js';
import { deviceSection } from './camera-device.js';
import { motionSection } from './camera-motion.js';
import { scheduleSection } from './camera-schedule.js';
import { toast } from './dialog.js';
import { fill, h, icon, say } from './dom.js';
import { lastEvents } from './event-row.js';
import { count, when } from './format.js';
import { tr } from './language.js';
import { liveView } from './live-view.js';
import { button, details, head, link, problemBox, sentence, skeleton as shape } from './parts.js';
import { picture } from './picture.js';
import { go, title } from './navigate.js';
import { mayAt, put, store } from './store.js';
import { modelWords } from './words.js';
import { testPanel } from './test-panel.js';
import { scheduleWords } from './week.js';

const opened = new Set(['cloud']); // which settings stand open, over all cameras

/** `body` is there already, or a function that fetches and makes it when the section is opened first. */
function section(key, name, body) {
  const summary = h('span', { class: 'section-now' });
  const lazy = typeof body === 'function';
  const place = h('div', { class: 'section-body' }, lazy ? shape('sk-row', 'sk-row') : body);
  let asked = false;
  async function load() {
    if (!lazy || asked || !el.open || el.hidden) return;
    asked = true;
    try { fill(place, await body()); } catch (problem) {
      asked = false;
      fill(place, problemBox(problem.detail ? problem : noConnection(problem, name)), button(tr`Try again`, { iconName: 'test', onClick: load }));
    }
  }
  const el = h('details', { class: 'section card', hidden: lazy, open: opened.has(key), 'data-testid': `section-${key}`, onToggle() { if (el.open) opened.add(key); else opened.delete(key); load(); } },
    h('summary', {}, h('span', { class: 'section-name' }, name), summary, icon('down')), place);
  return { el, now: (text) => say(summary, text), show(yes) { el.hidden = !yes; load(); } };
}

const LENS = ['pan', 'zoom', 'focus', 'presets'];

export async function cameraPage({ root, params: [id], on, cleanup, skeleton }) {
  if (!store.channels.has(id)) { skeleton(); put('channel', await api.get(`/channels/${seg(id)}`)); }
  const now = () => store.channels.get(id);
  const channel = now();
  if (!store.devices.has(channel.deviceId)) put('device', await api.get(`/devices/${seg(channel.deviceId)}`));
  const deviceId = channel.deviceId;
  title(channel.name);

  const name = h('h1', { tabindex: -1 }, channel.name);
  const pic = picture(channel);
  const rec = h('span', { class: 'rec' }, h('span', { class: 'rec-dot' }), tr`Recording`);
  const old = h('span', { class: 'old' });
  const state = h('div', { 'aria-live': 'polite' });
  const reason = h('span', { class: 'muted small', id: 'record-reason' });
  const message = h('div', { class: 'form-message', role: 'alert' });
  const record = button(tr`Record now`, { look: 'primary', iconName: 'rec', testid: 'record-now', 'aria-describedby': 'record-reason', async onClick() {
    record.disabled = true;
    fill(message);
    try {
      const event = await api.post(`/channels/${seg(id)}/trigger`, { type: 'manual' });
      put('event', event);
      toast(tr`Recording, from 5 seconds ago. The clip appears among the events.`, { iconName: 'rec' });
    } catch (problem) { fill(message, problemBox(problem)); }
    record.disabled = !now()?.linked;
  } });
  const test = {};
  const panel = testPanel({
    state: test,
    run: () => api.post(`/devices/${seg(deviceId)}/test`),
    userName: () => store.devices.get(deviceId)?.userName,
    retry: async (userName, password) => put('device', await api.patch(`/devices/${seg(deviceId)}`, { userName, password })),
    onDone: () => { testButton.disabled = Boolean(test.running); },
  });
  const testButton = button(tr`Test again`, { iconName: 'test', testid: 'test-again', onClick: () => panel.start() });

  const cloud = section('cloud', tr`Cloud copy`, await cloudCopy({ channelId: id, on }));
  const motion = section('motion', tr`Motion`, motionSection({ channelId: id, on, cleanup }));
  const schedule = section('schedule', tr`Arming`, scheduleSection({ channelId: id, on }));
  const device = section('device', tr`Device`, deviceSection({ channelId: id, deviceId, on }));
  const can = (what) => now()?.capabilities?.includes(what) && now().proxied !== false;
  // What needs the device: fetched when it is opened, shown where the device can it.
  const settings = section('on-device', tr`On the camera`, async () => (await import('./on-device.js')).onDevice({ channelId: id }));
  const seeing = section('device-motion', tr`Motion on the camera`, async () => (await import('./device-motion.js')).deviceMotion({ channelId: id, on }));
  const rules = section('device-rules', tr`Lines and regions`, async () => (await import('./device-rules.js')).deviceRules({ channelId: id, on }));
  const kept = section('recordings', tr`Recordings`, async () => (await import('./recordings.js')).recordings({ channelId: id }));
  kept.now(tr`On the device’s disk`);
  const frame = h('div', { class: 'frame' }, pic, h('span', { class: 'tile-top' }, old, rec));
  const lensPlace = h('div', { class: 'lens-place' });
  let lens = null;
  const move = button(tr`Move the lens`, { iconName: 'move', testid: 'lens-toggle', 'aria-expanded': 'false', async onClick() {
    if (lens) {
      lens.stop();
      lens.pad.remove();
      fill(lensPlace);
      frame.querySelector('.moving-picture')?.remove();
      lens = null;
    } else {
      fill(message);
      try {
        lens = (await import('./lens.js')).lens({ channel: now(), frame, cleanup });
        frame.append(lens.pad);
        fill(lensPlace, lens.el);
        lens.pad.focus({ preventScroll: true });
      } catch (problem) { fill(message, problemBox(noConnection(problem, 'the lens'))); }
    }
    move.setAttribute('aria-expanded', String(Boolean(lens)));
    say(move.querySelector('span'), lens ? tr`Leave the lens` : tr`Move the lens`);
  } });
  const recorded = link(`#/cameras/${seg(id)}/playback`, 'button', icon('clock'), h('span', {}, tr`Recordings`));
  recorded.dataset.testid = 'camera-playback';
  liveView({ channel, frame, cleanup });
  const events = await lastEvents({ channelId: id, on });

  let drawn = '';
  function draw() {
    const c = now();
    if (!c) return;
    pic.show(c);
    say(name, c.name);
    rec.hidden = !c.recording;
    const isOld = c.state.severity === 'trouble' && c.snapshotAt;
    old.hidden = !isOld;
    if (isOld) say(old, tr`Picture from ${when(c.snapshotAt)}`);
    const key = JSON.stringify([c.state.code, c.state.sentence, c.state.detail, c.state.since]);
    if (key !== drawn) {
      drawn = key;
      fill(state, sentence(c.state.severity, c.state.sentence, c.state.severity !== 'ok' && h('p', { class: 'muted small' }, tr`Since ${when(c.state.since)}.`),
        c.state.detail && details(`${c.state.code}\nsince ${c.state.since}\n${c.state.detail}`)));
    }
    record.hidden = !mayAt(c, 'configure');
    for (const one of [cloud, motion, schedule]) one.show(mayAt(c, 'configure'));
    if (!c.linked) record.disabled = true;
    else if (record.dataset.linked !== 'true') record.disabled = false;
    record.dataset.linked = String(c.linked);
    say(reason, c.linked || record.hidden ? '' : tr`Recording needs the link to the cloud; see “Cloud copy”.`);
    const n = c.motion.cells.join('').split('1').length - 1;
    cloud.now(c.linked ? `${definitionWords(c.definition)}, ${count(c.retentionDays, 'day')}` : tr`Not linked`);
    motion.now(c.motion.enabled ? tr`On, ${n} of ${c.motion.columns * c.motion.rows} fields` : tr`Off`);
    schedule.now(c.armed ? `${scheduleWords(c.schedule)}${c.armedNow ? '' : tr`, not at this hour`}` : tr`Disarmed`);
    const d = store.devices.get(deviceId);
    device.now(modelWords(d?.identity) || d?.address);
    const configures = mayAt(c, 'configure');
    settings.show(configures && can('stream-settings'));
    seeing.show(configures && can('motion-settings'));
    rules.show(configures && (can('line-crossing-settings') || can('intrusion-settings')));
    kept.show(mayAt(c, 'play-back') && can('recordings'));
    move.hidden = !mayAt(c, 'move-lens') || !LENS.some(can);
    testButton.hidden = !configures || c.proxied === false;
    recorded.hidden = !mayAt(c, 'play-back') || c.proxied === false;
  }
  draw();
  on('channel', (c) => { if (c.id === id) draw(); });
  on('device', draw);
  on('removed', ({ kind, id: gone }) => { if ((kind === 'channel' && gone === id) || (kind === 'device' && gone === deviceId)) go('/cameras'); });
  on('resync', () => (now() ? draw() : go('/cameras')));

  fill(root, head([link('#/cameras', 'back', icon('back'), tr`Cameras`), name]),
    h('div', { class: 'columns camera' },
      h('div', { class: 'camera-main' },
        frame, state, h('div', { class: 'row wrap' }, record, recorded, move, testButton, reason), message, lensPlace, panel.el, events),
      h('div', { class: 'camera-settings' }, cloud.el, motion.el, schedule.el, settings.el, seeing.el, rules.el, kept.el, device.el)));
}
