// Which page the address names, and its life: made, told, taken away.
// The wall comes with the first page; every other page is fetched when it is gone to.
import { noConnection } from './api.js';
import { camerasPage } from './cameras.js';
import { h, fill } from './dom.js';
import { tr } from './language.js';
import { head, problemBox, skeleton } from './parts.js';
import { emit, on } from './store.js';

const ROUTES = [
  [/^\/cameras$/, async () => camerasPage, 'cameras', ['sk-head', 'sk-tile', 'sk-tile', 'sk-tile']],
  [/^\/(cameras\/)?add(?:\/(find|address|url|code))?$/, async () => (await import('./add.js')).addPage, 'cameras', ['sk-head', 'sk-block']],
  [/^\/onboarding\/([^/]+)$/, async () => (await import('./onboarding.js')).onboardingPage, 'cameras', ['sk-head', 'sk-row', 'sk-row', 'sk-row']],
  [/^\/device\/([^/]+)$/, async () => (await import('./device.js')).devicePage, 'cameras', ['sk-head', 'sk-block', 'sk-block']],
  [/^\/cameras\/([^/]+)\/link$/, async () => (await import('./link-camera.js')).linkPage, 'cameras', ['sk-head', 'sk-video', 'sk-block']],
  [/^\/cameras\/([^/]+)\/playback$/, async () => (await import('./playback.js')).playbackPage, 'cameras', ['sk-head', 'sk-video', 'sk-block']],
  [/^\/playback$/, async () => (await import('./playback.js')).playbackPage, 'cameras', ['sk-head', 'sk-video', 'sk-block']],
  [/^\/cameras\/([^/]+)$/, async () => (await import('./camera.js')).cameraPage, 'cameras', ['sk-head', 'sk-video', 'sk-block']],
  [/^\/live$/, async () => (await import('./wall.js')).wallPage, 'cameras', ['sk-head', 'sk-video']],
  [/^\/events$/, async () => (await import('./events.js')).eventsPage, 'events', ['sk-head', 'sk-row', 'sk-row', 'sk-row', 'sk-row']],
  [/^\/clips\/([^/]+)$/, async () => (await import('./clip.js')).clipPage, 'events', ['sk-head', 'sk-video', 'sk-block']],
  [/^\/cut-outs(?:\/([^/]+))?$/, async () => (await import('./cut-outs.js')).cutOutsPage, 'events', ['sk-head', 'sk-block', 'sk-block']],
  [/^\/cloud$/, async () => (await import('./cloud.js')).cloudPage, 'cloud', ['sk-head', 'sk-block', 'sk-block']],
  [/^\/health$/, async () => (await import('./health.js')).healthPage, 'health', ['sk-head', 'sk-row', 'sk-row', 'sk-row']],
  [/^\/sites?$/, async () => (await import('./sites.js')).sitesPage, 'sites', ['sk-head', 'sk-row', 'sk-row', 'sk-row']],
  [/^\/sites\/([^/]+)$/, async () => (await import('./site.js')).sitePage, 'sites', ['sk-head', 'sk-block', 'sk-block']],
  [/^\/sites\/([^/]+)\/log$/, async () => (await import('./operations.js')).operationsPage, 'sites', ['sk-head', 'sk-row', 'sk-row', 'sk-row']],
  [/^\/take-over$/, async () => (await import('./take-over.js')).takeOverPage, 'sites', ['sk-head', 'sk-block', 'sk-block']],
  [/^\/people$/, async () => (await import('./people.js')).peoplePage, 'sites', ['sk-head', 'sk-block', 'sk-block']],
  [/^\/notices$/, async () => (await import('./notices.js')).noticesPage, 'sites', ['sk-head', 'sk-row', 'sk-row', 'sk-row']],
  [/^\/unbindings$/, async () => (await import('./unbindings.js')).unbindingsPage, 'sites', ['sk-head', 'sk-block', 'sk-block']],
  [/^\/log$/, async () => (await import('./operations.js')).operationsPage, 'sites', ['sk-head', 'sk-row', 'sk-row', 'sk-row']],
  [/^\/account$/, async () => (await import('./account.js')).accountPage, 'box', ['sk-head', 'sk-block', 'sk-block']],
  [/^\/box$/, async () => (await import('./box.js')).boxPage, 'box', ['sk-head', 'sk-block', 'sk-block']],
];
const fetched = new Map(); // pages that are here already, by their pattern

let root = null;
let ready = null;
let current = null; // {address, cleanups}
let first = true;
const scrolled = new Map();

function read() {
  const [path, search] = (location.hash.slice(1) || '/cameras').split('?');
  for (const [pattern, load, section, shape] of ROUTES) {
    const found = pattern.exec(path);
    if (found) return { pattern, load, section, shape, params: found.slice(1).map((p) => p && decodeURIComponent(p)), query: new URLSearchParams(search) };
  }
  return null;
}

function close() {
  for (const fn of current?.cleanups ?? []) fn();
  current = null;
}

/** A page that could not be made: why, and two ways on. */
function broken(page, problem) {
  const again = h('button', { type: 'button', class: 'button', onClick: () => open(true) }, tr`Try again`);
  fill(page, head(problem.status === 404 ? tr`Not here` : tr`This page could not be shown`), h('div', { class: 'narrow' }, problemBox(problem),
    h('div', { class: 'row' }, problem.status !== 404 && again, h('a', { class: 'button', href: '#/cameras' }, tr`To the cameras`))));
}

async function open(event) {
  const address = location.hash;
  if (address === '#content') { // the skip link
    history.replaceState(null, '', current?.address || '#/cameras');
    root.focus();
    return;
  }
  if (current) scrolled.set(current.address, scrollY);
  close();
  const route = read();
  if (!route) { location.replace('#/cameras'); return; }
  const mine = { address, cleanups: [] };
  current = mine;
  emit('route', route.section);
  let rest = null;
  let make = fetched.get(route.pattern);
  let missing = null;
  if (ready !== true || !make) {
    fill(root, skeleton(...route.shape));
    const fetching = route.load().catch((error) => { missing = noConnection(error, `the page ${address}`); });
    try { await ready; } catch { return; }
    ready = true;
    make = await fetching;
    if (current !== mine) return;
    if (make) fetched.set(route.pattern, make);
  }
  const page = h('div', { class: `page page-${route.section}` });
  const context = {
    root: page,
    params: route.params,
    query: route.query,
    on: (name, fn) => mine.cleanups.push(on(name, fn)),
    cleanup: (fn) => mine.cleanups.push(fn),
    get alive() { return current === mine; },
    skeleton: () => fill(page, skeleton(...route.shape)),
  };
  fill(root, page);
  if (missing) { broken(page, missing); return; }
  try { rest = make(context); } catch (problem) { broken(page, problem); }
  if (!first || event) scrollTo(0, scrolled.get(address) ?? 0);
  const focus = () => { if (current === mine && !page.contains(document.activeElement)) page.querySelector('h1')?.focus({ preventScroll: true }); };
  if (!first) { focus(); rest?.then?.(focus, () => {}); }
  first = false;
  rest?.catch?.((problem) => { if (current === mine && problem.status !== 401) broken(page, problem); });
}

export function startRouter(element, opened) {
  root = element;
  ready = opened;
  first = true;
  addEventListener('hashchange', open);
  open();
}

export function stopRouter() {
  removeEventListener('hashchange', open);
  close();
  scrolled.clear();
}
