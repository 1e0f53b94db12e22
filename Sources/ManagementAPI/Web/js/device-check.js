// Checks of devices that this page has started: they go on in the box while one is elsewhere, and their end is told.
import { api, seg } from './api.js';
import { toast } from './dialog.js';
import { tr } from './language.js';
import { emit, put, store } from './store.js';

/** How long a check may take before one looks for it no more, in seconds. */
export const CHECK_SECONDS = 120;
const going = new Map(); // device -> {since, was: the report before}

/** The check that goes on, or null. */
export const checking = (id) => going.get(id) ?? null;

const wait = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

function told(device) {
  const { steps, remarks } = device.report;
  const failed = steps.find((s) => s.state === 'failed');
  if (failed) return `${device.name}: ${failed.sentence}`;
  return remarks.length === 0 ? tr`${device.name} is checked: nothing stands against it.` : remarks.length === 1 ? tr`${device.name} is checked: one thing to look at.` : tr`${device.name} is checked: ${remarks.length} things to look at.`;
}

async function follow(id, check) {
  for (let pause = 400; Date.now() - check.since < CHECK_SECONDS * 1000; pause = Math.min(2000, pause * 1.5)) {
    await wait(pause);
    let device;
    try { device = await api.get(`/devices/${seg(id)}`, { gate: false }); } catch (problem) {
      if (problem.status === 401 || problem.status === 404) return;
      continue;
    }
    put('device', device);
    if (device.report?.finishedAt && device.report.startedAt !== check.was) { toast(told(device), { iconName: 'test' }); return; }
  }
  toast(tr`${store.devices.get(id)?.name ?? tr`The device`}: the check takes longer than usual. What comes out appears on the device’s page.`, { iconName: 'clock' });
}

/** Tries a device whole again; resolves when the box has begun. */
export async function startCheck(id) {
  const was = store.devices.get(id)?.report?.startedAt ?? null;
  put('device', await api.post(`/devices/${seg(id)}/check`));
  if (going.has(id)) return;
  const check = { since: Date.now(), was };
  going.set(id, check);
  emit('check', id);
  follow(id, check).finally(() => { going.delete(id); emit('check', id); });
}
