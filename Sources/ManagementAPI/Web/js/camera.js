// One camera: its picture, how it is, what one can do now, its last events and its settings.
import { api, seg } from './api.js';
import { cloudCopy, definitionWords } from './cloud-copy.js';
import { deviceSection } from './camera-device.js';
import { motionSection } from './camera-motion.js';
import { scheduleSection, scheduleWords } from './camera-schedule.js';
import { toast } from './dialog.js';
import { fill, h, icon, say } from './dom.js';
import { lastEvents } from './event-row.js';
import { count, when } from './format.js';
import { button, details, head, link, problemBox, sentence } from './parts.js';
import { picture } from './picture.js';
import { go, title } from './navigate.js';
import { put, store } from './store.js';
import { testPanel } from './test-panel.js';

const opened = new Set(['cloud']); // which settings stand open, over all cameras

function section(key, name, body) {
  const summary = h('span', { class: 'section-now' });
  const el = h('details', { class: 'section card', open: opened.has(key), 'data-testid': `section-${key}`, onToggle() { if (el.open) opened.add(key); else opened.delete(key); } },
    h('summary', {}, h('span', { class: 'section-name' }, name), summary, icon('down')), h('div', { class: 'section-body' }, body));
  return { el, now: (text) => say(summary, text) };
}

export async function cameraPage({ root, params: [id], on, cleanup, skeleton }) {
  if (!store.channels.has(id)) { skeleton(); put('channel', await api.get(`/channels/${seg(id)}`)); }
  const now = () => store.channels.get(id);
  const channel = now();
  if (!store.devices.has(channel.deviceId)) put('device', await api.get(`/devices/${seg(channel.deviceId)}`));
  const deviceId = channel.deviceId;
  title(channel.name);

  const name = h('h1', { tabindex: -1 }, channel.name);
  const pic = picture(channel);
  const rec = h('span', { class: 'rec' }, h('span', { class: 'rec-dot' }), 'Recording');
  const old = h('span', { class: 'old' });
  const state = h('div', { 'aria-live': 'polite' });
  const reason = h('span', { class: 'muted small', id: 'record-reason' });
  const message = h('div', { class: 'form-message', role: 'alert' });
  const record = button('Record now', { look: 'primary', iconName: 'rec', testid: 'record-now', 'aria-describedby': 'record-reason', async onClick() {
    record.disabled = true;
    fill(message);
    try {
      const event = await api.post(`/channels/${seg(id)}/trigger`, { type: 'manual' });
      put('event', event);
      toast('Recording, from 5 seconds ago. The clip appears among the events.', { iconName: 'rec' });
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
  const testButton = button('Test again', { iconName: 'test', testid: 'test-again', onClick: () => panel.start() });

  const cloud = section('cloud', 'Cloud copy', await cloudCopy({ channelId: id, on }));
  const motion = section('motion', 'Motion', motionSection({ channelId: id, on, cleanup }));
  const schedule = section('schedule', 'Arming', scheduleSection({ channelId: id, on }));
  const device = section('device', 'Device', deviceSection({ channelId: id, deviceId, on }));
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
    if (isOld) say(old, `Picture from ${when(c.snapshotAt)}`);
    const key = JSON.stringify([c.state.code, c.state.sentence, c.state.detail, c.state.since]);
    if (key !== drawn) {
      drawn = key;
      fill(state, sentence(c.state.severity, c.state.sentence, c.state.severity !== 'ok' && h('p', { class: 'muted small' }, `Since ${when(c.state.since)}.`),
        c.state.detail && details(`${c.state.code}\nsince ${c.state.since}\n${c.state.detail}`)));
    }
    if (!c.linked) record.disabled = true;
    else if (record.dataset.linked !== 'true') record.disabled = false;
    record.dataset.linked = String(c.linked);
    say(reason, c.linked ? '' : 'Recording needs the link to the cloud; see “Cloud copy”.');
    const n = c.motion.cells.join('').split('1').length - 1;
    cloud.now(c.linked ? `${definitionWords(c.definition)}, ${count(c.retentionDays, 'day')}` : 'Not linked');
    motion.now(c.motion.enabled ? `On, ${n} of ${c.motion.columns * c.motion.rows} fields` : 'Off');
    schedule.now(c.armed ? `${scheduleWords(c.schedule)}${c.armedNow ? '' : ', not at this hour'}` : 'Disarmed');
    device.now(store.devices.get(deviceId)?.address ?? '');
  }
  draw();
  on('channel', (c) => { if (c.id === id) draw(); });
  on('device', draw);
  on('removed', ({ kind, id: gone }) => { if ((kind === 'channel' && gone === id) || (kind === 'device' && gone === deviceId)) go('/cameras'); });

  fill(root, head([link('#/cameras', 'back', icon('back'), 'Cameras'), name]),
    h('div', { class: 'columns camera' },
      h('div', { class: 'camera-main' },
        h('div', { class: 'frame' }, pic, h('span', { class: 'tile-top' }, old, rec)),
        state, h('div', { class: 'row wrap' }, record, testButton, reason), message, panel.el, events),
      h('div', { class: 'camera-settings' }, cloud.el, motion.el, schedule.el, device.el)));
}
