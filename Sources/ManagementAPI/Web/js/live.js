// The one stream of news from the box, opened again by itself whenever it breaks.
import { api } from './api.js';
import { translated } from './box-words.js';
import { emit, put, remove, resync } from './store.js';

const KINDS = ['channel', 'device', 'event', 'clip', 'storage', 'plans', 'motion', 'discovery', 'discovered', 'onboarding', 'network-test', 'firmware', 'device-firmware', 'export', 'notice', 'rights'];
const QUIET = 2500; // a break shorter than this is nobody's business

let source = null;
let lostAt = null;
let telling = null;
let retry = null;
let wait = 1000;

function lost() {
  if (lostAt) return;
  lostAt = new Date();
  telling = setTimeout(() => emit('connection', lostAt), QUIET);
}

async function found() {
  wait = 1000;
  if (!lostAt) return;
  lostAt = null;
  clearTimeout(telling);
  try { await resync(); } catch { /* the next break or the next page says so */ }
  emit('connection', null);
}

async function failed() {
  lost();
  if (!source || source.readyState !== EventSource.CLOSED) return; // the browser is already trying
  source.close();
  clearTimeout(retry);
  retry = setTimeout(async () => {
    try {
      await api.get('/session'); // a 401 leads to sign in
    } catch (problem) {
      if (problem.status === 401) return;
    }
    if (source) open();
  }, wait);
  wait = Math.min(wait * 2, 10000);
}

function open() {
  source?.close();
  source = new EventSource('/api/v1/stream');
  source.onopen = found;
  source.onerror = failed;
  for (const kind of KINDS) {
    source.addEventListener(kind, (message) => {
      const object = translated(JSON.parse(message.data));
      if (kind === 'motion' || kind === 'network-test' || kind === 'firmware' || kind === 'device-firmware') emit(kind, object);
      else put(kind, object);
    });
  }
  source.addEventListener('removed', (message) => remove(JSON.parse(message.data)));
}

export function connect() {
  if (!source) open();
}

export function disconnect() {
  source?.close();
  source = null;
  lostAt = null;
  clearTimeout(telling);
  clearTimeout(retry);
  emit('connection', null);
}

const nudge = () => { if (source && source.readyState !== EventSource.OPEN) open(); };
addEventListener('online', nudge);
document.addEventListener('visibilitychange', () => { if (!document.hidden) nudge(); });
addEventListener('pagehide', () => source?.close());
addEventListener('pageshow', (e) => { if (e.persisted && source) open(); });
