// What the page knows of the box, and who wants to hear when it changes.
import { api, seg } from './api.js';
import { settle } from './dom.js';

export const store = {
  user: null,
  system: null,
  channels: new Map(),
  devices: new Map(),
  discovered: new Map(), // devices that the last search found, by their number in it
  onboardings: new Map(), // the last ones, the newest last
  storage: null,
  health: null,
  definitions: null,
  notices: [], // what one was told, the newest first
  sites: [], // those that one may know of, by name
  codeSite: null, // the site that a QR code named last
  devicePassword: '', // typed last for devices that are being added: in this page's memory only
  line: [], // readings of the line: {at, bytesPerSecond}
};

const listeners = new Map();

export function on(name, fn) {
  if (!listeners.has(name)) listeners.set(name, new Set());
  listeners.get(name).add(fn);
  return () => listeners.get(name).delete(fn);
}

export function emit(name, ...data) {
  for (const fn of [...(listeners.get(name) ?? [])]) fn(...data);
}

const LINE_READINGS = 150;

/** Takes one object as GET gives it, from an answer or from the stream. */
export function put(kind, object) {
  if (kind === 'channel') {
    const before = store.channels.get(object.id);
    // News are the same for everybody.
    if (before?.siteId === object.siteId) object.permissions ??= before.permissions;
    if (!object.permissions) api.get(`/channels/${seg(object.id)}`).then((own) => put('channel', own), () => {});
    store.channels.set(object.id, object);
    if (!before || before.state.code !== object.state.code) refreshHealthSoon();
    if (!before || before.linked !== object.linked) refreshSystemSoon();
    emit('channel', object, before ?? null);
  } else if (kind === 'device') {
    const before = store.devices.get(object.id);
    store.devices.set(object.id, object);
    if (before?.state?.code !== object.state?.code) refreshHealthSoon();
    emit('device', object);
  } else if (kind === 'storage') {
    const before = store.storage;
    store.storage = object;
    store.line.push({ at: Date.now(), bytesPerSecond: object.line?.bytesPerSecond ?? null });
    if (store.line.length > LINE_READINGS) store.line.shift();
    if (before?.state.code !== object.state.code) refreshHealthSoon();
    emit('storage', object, before);
  } else if (kind === 'onboarding') {
    const job = store.onboardings.get(object.onboardingId);
    if (job) {
      job.items[object.index] = object;
      job.done = job.items.every((i) => i.state === 'added' || i.state === 'failed');
      emit('onboarding', object);
    } else refreshOnboardings();
  } else if (kind === 'notice') {
    store.notices = [object, ...store.notices];
    emit('notices');
  } else if (kind === 'rights') {
    rightsChanged();
  } else if (kind === 'system') {
    store.system = object;
    emit('system', object);
  } else emit(kind, object);
}

export function remove({ kind, id }) {
  if (kind === 'channel') store.channels.delete(id);
  if (kind === 'device') {
    store.devices.delete(id);
    for (const c of [...store.channels.values()]) {
      if (c.deviceId === id) remove({ kind: 'channel', id: c.id });
    }
    refreshSystemSoon();
  }
  if (kind === 'channel' || kind === 'device') refreshHealthSoon();
  emit('removed', { kind, id });
}

export async function loadAll() {
  const seesBox = may('view-box'); // not who has no site (any more)
  const [system, channels, devices, storage] = await Promise.all([
    seesBox && api.get('/system'), api.get('/channels'), api.get('/devices'), seesBox && api.get('/storage'), refreshOnboardings(), refreshSites(), refreshNotices(),
  ]);
  store.channels = new Map(channels.items.map((c) => [c.id, c]));
  store.devices = new Map(devices.items.map((d) => [d.id, d]));
  if (!seesBox) return;
  put('system', system);
  put('storage', storage);
  refreshHealth();
}

export async function refreshSystem() {
  try { put('system', await api.get('/system')); } catch { /* the connection bar says what is wrong */ }
}

export async function refreshSites() {
  try { store.sites = sortedByName((await api.get('/sites')).items); } catch { /* the connection bar says what is wrong */ }
}

export async function refreshNotices() {
  try { store.notices = (await api.get('/notices')).items; emit('notices'); } catch { /* the connection bar says what is wrong */ }
}

export const unreadNotices = () => store.notices.filter((n) => !n.readAt).length;

export async function readNotices() {
  if (unreadNotices() === 0) return;
  await api.post('/notices/read');
  store.notices = store.notices.map((n) => ({ ...n, readAt: n.readAt ?? new Date().toISOString() }));
  emit('unread');
}

/** The sites where one may add devices. */
export const sitesToAddTo = () => store.sites.filter((site) => site.permissions.includes('configure'));

export async function refreshOnboardings() {
  if (!may('configure')) return;
  try {
    const { items } = await api.get('/onboardings');
    store.onboardings = new Map(items.sort((a, b) => a.startedAt.localeCompare(b.startedAt)).map((job) => [job.id, job]));
    emit('onboarding', null);
  } catch { /* the connection bar says what is wrong */ }
}

export async function refreshHealth() {
  try {
    store.health = await api.get('/health');
    emit('health', store.health);
  } catch { /* the connection bar says what is wrong */ }
}

const refreshSystemSoon = settle(() => store.user && refreshSystem(), 600);
const refreshHealthSoon = settle(() => store.user && refreshHealth(), 1000);

export async function definitions() {
  store.definitions ??= (await api.get('/definitions')).items;
  return store.definitions;
}

/** Somebody has given or taken something: what one may see is another now. */
export async function refreshRights() {
  if (!store.user) return;
  try { store.user = (await api.get('/session')).user; await resync(); } catch { /* the connection bar says what is wrong */ }
}

const rightsChanged = settle(refreshRights, 300);

/** After a lost connection: everything anew, then the pages fetch what is theirs. */
export async function resync() {
  await loadAll();
  emit('resync');
}

export function forget() {
  Object.assign(store, { user: null, system: null, storage: null, health: null, notices: [], sites: [], codeSite: null, devicePassword: '', line: [] });
  store.channels.clear();
  store.devices.clear();
  store.onboardings.clear();
  store.discovered.clear();
}

/** Whether somebody may do something with a channel; yes where it is not known yet. */
export const mayAt = (channel, permission) => channel.permissions?.includes(permission) ?? true;
/** Whether the one who is signed in may do something, at some site where it is about sites. */
export const may = (permission) => Boolean(store.user?.permissions?.includes(permission));

export const sortedByName = (items) => items.sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }));
const byName = (map) => sortedByName([...map.values()]);
/** In the order people expect: by name. */
export const channelsByName = () => byName(store.channels);
export const devicesByName = () => byName(store.devices);
/** The channels of one device, by number. */
export const channelsOf = (deviceId) => [...store.channels.values()].filter((c) => c.deviceId === deviceId).sort((a, b) => (a.number ?? 0) - (b.number ?? 0));
