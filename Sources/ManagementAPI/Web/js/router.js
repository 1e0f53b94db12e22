// Which page the address names, and its life: made, told, taken away.
import { addCameraPage } from './add-camera.js';
import { boxPage } from './box.js';
import { cameraPage } from './camera.js';
import { camerasPage } from './cameras.js';
import { clipPage } from './clip.js';
import { cloudPage } from './cloud.js';
import { h, fill } from './dom.js';
import { eventsPage } from './events.js';
import { healthPage } from './health.js';
import { linkPage } from './link-camera.js';
import { head, problemBox, skeleton } from './parts.js';
import { emit, on } from './store.js';

const ROUTES = [
  [/^\/cameras$/, camerasPage, 'cameras', ['sk-head', 'sk-tile', 'sk-tile', 'sk-tile']],
  [/^\/cameras\/add$/, addCameraPage, 'cameras', ['sk-head', 'sk-block']],
  [/^\/cameras\/([^/]+)\/link$/, linkPage, 'cameras', ['sk-head', 'sk-video', 'sk-block']],
  [/^\/cameras\/([^/]+)$/, cameraPage, 'cameras', ['sk-head', 'sk-video', 'sk-block']],
  [/^\/events$/, eventsPage, 'events', ['sk-head', 'sk-row', 'sk-row', 'sk-row', 'sk-row']],
  [/^\/clips\/([^/]+)$/, clipPage, 'events', ['sk-head', 'sk-video', 'sk-block']],
  [/^\/cloud$/, cloudPage, 'cloud', ['sk-head', 'sk-block', 'sk-block']],
  [/^\/health$/, healthPage, 'health', ['sk-head', 'sk-row', 'sk-row', 'sk-row']],
  [/^\/box$/, boxPage, 'box', ['sk-head', 'sk-block', 'sk-block']],
];

let root = null;
let ready = null;
let current = null; // {address, cleanups}
let first = true;
const scrolled = new Map();

function read() {
  const [path, search] = (location.hash.slice(1) || '/cameras').split('?');
  for (const [pattern, page, section, shape] of ROUTES) {
    const found = pattern.exec(path);
    if (found) return { page, section, shape, params: found.slice(1).map(decodeURIComponent), query: new URLSearchParams(search) };
  }
  return null;
}

function close() {
  for (const fn of current?.cleanups ?? []) fn();
  current = null;
}

/** A page that could not be made: why, and two ways on. */
function broken(page, problem) {
  const again = h('button', { type: 'button', class: 'button', onClick: () => open(true) }, 'Try again');
  fill(page, head(problem.status === 404 ? 'Not here' : 'This page could not be shown'), h('div', { class: 'narrow' }, problemBox(problem),
    h('div', { class: 'row' }, problem.status !== 404 && again, h('a', { class: 'button', href: '#/cameras' }, 'To the cameras'))));
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
  if (ready !== true) {
    fill(root, skeleton(...route.shape));
    try { await ready; } catch { return; }
    ready = true;
    if (current !== mine) return;
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
  try { rest = route.page(context); } catch (problem) { broken(page, problem); }
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
