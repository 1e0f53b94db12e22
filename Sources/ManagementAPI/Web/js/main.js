// Where the page begins: is the box claimed, is somebody signed in, then the pages.
import { api, giveUp, whenSignedOut } from './api.js';
import { claim } from './claim.js';
import { announce } from './dialog.js';
import { fill } from './dom.js';
import { tr } from './language.js';
import { connect, disconnect } from './live.js';
import { title } from './navigate.js';
import { failure } from './parts.js';
import { startRouter, stopRouter } from './router.js';
import { shell } from './shell.js';
import { signIn } from './sign-in.js';
import { forget, loadAll, on, resync, store } from './store.js';

const skip = document.querySelector('.skip');
skip.textContent = tr`To the content`;

const app = document.getElementById('app');
const gate = document.getElementById('gate');
let shown = false; // the pages are there, perhaps behind the gate

function show(which) {
  app.hidden = which !== app;
  gate.hidden = which !== gate;
  skip.hidden = which === gate; // there is nothing to skip
}

/** Whether a session may still be there: without it the box is not asked, and the first visit causes no refusal. */
const KEPT = 'gatehouse.signed-in';
const kept = { get: () => { try { return localStorage.getItem(KEPT); } catch { return '1'; } }, set(v) { try { if (v) localStorage.setItem(KEPT, '1'); else localStorage.removeItem(KEPT); } catch { /* then the box is asked each time */ } } };

async function enter(session) {
  store.user = session.user;
  kept.set(true);
  if (shown) { // signed in again: back to where one was, nothing typed is lost
    show(app);
    fill(gate);
    resync().catch(() => {});
    connect();
    return;
  }
  const content = shell(app, leave);
  shown = true;
  show(app);
  fill(gate);
  const opened = (async function open() {
    try { await loadAll(); } catch (problem) {
      if (problem.status !== 401) failure(content, problem, () => location.reload());
      throw problem;
    }
  })();
  startRouter(content, opened);
  await opened.then(connect, () => {});
}

async function leave() {
  // Nothing may ask any more once the session is gone.
  disconnect();
  stopRouter();
  forget();
  giveUp();
  try { await api.delete('/session', { gate: false }); } catch { /* gone either way */ }
  fill(app);
  shown = false;
  askToSignIn();
}

async function askToSignIn() {
  disconnect();
  kept.set(false);
  show(gate);
  title(tr`Sign in`);
  let setup = { claimed: true };
  try { setup = await api.get('/setup', { gate: false }); } catch { /* the form will say so when used */ }
  signedOut(setup);
}

function signedOut(setup) {
  show(gate);
  if (setup.claimed) signIn(gate, setup, enter);
  else claim(gate, setup, enter);
}

whenSignedOut(() => { if (gate.hidden) askToSignIn(); });

on('channel', (channel, before) => {
  if (before && before.state.code !== channel.state.code) announce(`${channel.name}: ${channel.state.sentence}`);
});
on('storage', (storage, before) => {
  if (before && before.state.code !== storage.state.code) announce(storage.state.sentence);
});

// A link that was pasted where the page is open already: as if it were opened anew.
addEventListener('hashchange', (event) => {
  if (!/^#\/(join|handover|share)\/[\w-]+$/.test(location.hash)) return;
  event.stopImmediatePropagation();
  location.reload();
});

async function begin() {
  try {
    const setup = await api.get('/setup', { gate: false });
    if (!setup.claimed) {
      show(gate);
      claim(gate, setup, enter);
      return;
    }
    const invited = /^#\/join\/([\w-]+)$/.exec(location.hash);
    if (invited) {
      show(gate);
      (await import('./join.js')).join(gate, setup, invited[1], enter);
      return;
    }
    const handedOver = /^#\/handover\/([\w-]+)$/.exec(location.hash);
    if (handedOver) {
      show(gate);
      await (await import('./accept.js')).accept(gate, setup, handedOver[1], enter);
      return;
    }
    const shared = /^#\/share\/([\w-]+)$/.exec(location.hash);
    if (shared) {
      show(gate);
      await (await import('./partner.js')).partner(gate, setup, shared[1], enter);
      return;
    }
    if (!kept.get()) { signedOut(setup); return; }
    try {
      await enter(await api.get('/session', { gate: false }));
    } catch (problem) {
      if (problem.status !== 401) throw problem;
      await askToSignIn();
    }
  } catch (problem) {
    show(gate);
    failure(gate, problem, begin);
  }
}

begin();
