// Making cameras ready for the cloud: what would change is said first, then it is changed, one camera after the other.
import { api, seg } from './api.js';
import { boxSaid } from './box-words.js';
import { startCheck } from './device-check.js';
import { toast } from './dialog.js';
import { fill, h, say } from './dom.js';
import { count, when } from './format.js';
import { tr } from './language.js';
import { bar, button, problemBox, sentence } from './parts.js';
import { channelsOf, emit, store } from './store.js';

export const ROLES = { main: tr`Main stream`, sub: tr`Second stream`, third: tr`Third stream` };

const WANTS = /ready for the cloud|smart codec|key frame/i;
const wants = (remark) => WANTS.test(boxSaid(remark));
const mended = new Map(); // device -> {at, report: the report that does not know of it yet}

/** Devices that were made ready and whose report is from before: when that was. */
const mendedAt = (id) => { const m = mended.get(id); return m && m.report === store.devices.get(id)?.report?.startedAt ? m.at : null; };

/** The report of a device: the given one (of its adding), or a later one that the box has by now; without what was mended since. */
export function presentReport(deviceId, given) {
  const last = store.devices.get(deviceId)?.report;
  const report = last && (!given || last.startedAt > given.startedAt) ? last : given;
  const at = report && mendedAt(deviceId);
  return at ? { ...report, remarks: report.remarks.filter((r) => !wants(r)), mended: tr`Made ready for the cloud ${when(at)}. The check that follows says what is left.` } : report;
}

/** Channels of devices whose report asks for it, and whose streams the box can set. */
export const wantReady = (devices) => devices.filter(([id, report]) => presentReport(id, report)?.remarks.some(wants))
  .flatMap(([id]) => channelsOf(id)).filter((c) => c.proxied !== false && c.capabilities?.includes('stream-settings'));

const changeList = (changes) => changes.map((c) => h('div', {}, h('h3', {}, ROLES[c.stream] ?? c.stream), h('ul', { class: 'bullets' }, c.sentences.map((s) => h('li', {}, s)))));

/** What was mended is said at once, and each device is checked again by itself, so that nothing old is said of it. */
async function afterwards(deviceIds, wholly = () => true) {
  for (const id of new Set(deviceIds)) {
    if (wholly(id)) mended.set(id, { at: Date.now(), report: store.devices.get(id)?.report?.startedAt });
    emit('check', id);
    try { await startCheck(id); } catch { /* the device's page has the button */ }
  }
}

/** A button that shows what would change on these channels, with “Make these changes” and “Cancel”. `channels()` is asked when it is pressed. */
export function makeReady({ channels, label = tr`Make ready for the cloud`, look = 'primary', done = () => {} }) {
  const place = h('div', { class: 'stack' });
  const message = h('div', { class: 'form-message', role: 'alert' });
  const open = button(label, { look, iconName: 'cloud', testid: 'make-ready', 'aria-expanded': 'false', onClick: plan });
  const first = h('div', { class: 'row wrap' }, open);
  const el = h('div', { class: 'stack make-ready' }, first, place, message);
  let busy = false;

  function close() {
    fill(place);
    first.hidden = open.disabled = false;
    open.focus();
  }

  async function plan() {
    busy = open.disabled = true;
    fill(message);
    const list = channels();
    fill(place, h('p', { class: 'muted', role: 'status' }, tr`Asking ${count(list.length, 'camera')} what would change…`));
    const answers = await Promise.allSettled(list.map((c) => api.get(`/channels/${seg(c.id)}/cloud-readiness`)));
    const plans = list.map((channel, i) => ({ channel, ...answers[i].value })).filter((p) => p.ready === false);
    fill(message, answers.map((a, i) => a.status === 'rejected' && [h('p', { class: 'strong' }, list[i].name), problemBox(a.reason)]));
    busy = false;
    if (!plans.length) {
      close();
      if (answers.every((a) => a.status === 'fulfilled')) {
        fill(place, sentence('ok', tr`Nothing is left to change: the streams are set as the cloud copy likes them.`));
        await afterwards(list.map((c) => c.deviceId));
        done();
      }
      return;
    }
    first.hidden = true;
    const apply = button(tr`Make these changes`, { look: 'primary', iconName: 'check', testid: 'readiness-apply', onClick: () => change(plans) });
    fill(place, h('div', { class: 'stack', 'data-testid': 'readiness-changes' }, plans.map((p) => h('div', {}, list.length > 1 && h('p', { class: 'strong' }, p.channel.name), changeList(p.changes))),
      h('p', { class: 'muted small' }, tr`Whoever else uses these streams, such as a recorder, gets them like this too.`),
      h('div', { class: 'actions' }, button(tr`Cancel`, { testid: 'readiness-cancel', onClick: close }), apply)));
    apply.focus();
  }

  async function change(plans) {
    busy = true;
    const words = h('p', { role: 'status' });
    const problems = [];
    const touched = new Set();
    for (const [i, { channel }] of plans.entries()) {
      const line = bar(i / plans.length, tr`Cameras set`);
      say(words, tr`Setting ${channel.name}: ${i} of ${count(plans.length, 'camera')} done.`);
      fill(place, line, words);
      try {
        const left = await api.post(`/channels/${seg(channel.id)}/cloud-readiness`);
        touched.add(channel.deviceId);
        if (left.ready) continue;
        problems.push([channel, { detail: tr`The camera did not take all of it. Look at “On the camera” on its page.`, status: 409 }]);
      } catch (problem) { problems.push([channel, problem]); }
    }
    busy = false;
    if (problems.length) close();
    else { fill(place); first.hidden = open.disabled = false; } // what is left decides whether the button is still shown
    fill(message, problems.map(([channel, problem]) => [h('p', { class: 'strong' }, channel.name), problemBox(problem)]));
    const good = plans.length - problems.length;
    if (good) toast(count(good, '{0} camera is set for the cloud. The box goes on with the new streams and checks again.', '{0} cameras are set for the cloud. The box goes on with the new streams and checks again.'));
    await afterwards(touched, (id) => !problems.some(([c]) => c.deviceId === id));
    if (!problems.length) done();
  }

  return { el, get busy() { return busy || Boolean(place.querySelector('[data-testid=readiness-changes]')); } };
}
