// Devices that answer on the network, found while one looks on; those ticked are added with one password.
import { api } from './api.js';
import { fill, h, icon, say } from './dom.js';
import { bind, field, toggle, wrong } from './form.js';
import { count, together } from './format.js';
import { tr } from './language.js';
import { go } from './navigate.js';
import { bar, button, empty, link, problemBox } from './parts.js';
import { store } from './store.js';
import { deviceKind, finderName, modelWords, SEEN_BY } from './words.js';

const SECONDS = 5;
const MOST = 64;

/** What is chosen lives on while one is elsewhere. */
const ticked = new Set();
let search = { running: false, startedAt: null, sweep: null };
let seenAt = 0; // when this browser saw the search begin

function row(device, onTick) {
  const tick = h('input', { type: 'checkbox', class: 'tick', 'data-testid': 'found-tick', onChange() {
    if (tick.checked) ticked.add(device.id);
    else ticked.delete(device.id);
    onTick();
  } });
  const text = h('span', { class: 'found-text' });
  const side = h('span', { class: 'found-side' });
  const kind = h('span', { class: 'found-kind' });
  const el = h('li', { 'data-testid': 'found-device' }, h('label', { class: 'found' }, tick, kind, text, side));
  function update(d) {
    device = d;
    const { identity } = d;
    const k = deviceKind(identity.kind);
    const model = modelWords(identity);
    const name = finderName(identity);
    el.dataset.address = d.address;
    tick.disabled = Boolean(d.addedAs);
    tick.checked = ticked.has(d.id);
    tick.setAttribute('aria-label', tr`Add ${model || k.word} at ${d.address}`);
    fill(kind, icon(k.icon, k.word));
    fill(text, h('span', { class: 'strong' }, model || k.word), name && h('span', {}, name),
      h('span', { class: 'muted small' }, [d.address, identity.firmware && tr`firmware ${identity.firmware}`, d.ways.length && tr`seen by ${together(d.ways.map((w) => SEEN_BY[w] ?? w))}`].filter(Boolean).join(' · ')));
    fill(side, d.addedAs ? link(`#/device/${encodeURIComponent(d.addedAs.deviceId)}`, 'more-link', tr`Already added as ${d.addedAs.name}`, icon('next'))
      : d.activated === false && h('span', { class: 'chip attention' }, icon('key'), tr`New: has no password yet`));
  }
  update(device);
  return { el, update, tick };
}

export function findDevices({ draft, query, on, cleanup, show }) {
  const found = store.discovered;
  const rows = new Map();
  const message = h('div', { class: 'form-message', role: 'alert' });
  const find = button(tr`Find cameras`, { look: 'primary', iconName: 'search', testid: 'find-cameras', onClick: () => begin(false) });
  const harder = button(tr`Look harder`, { iconName: 'search', testid: 'look-harder', onClick: () => begin(true) });
  const stop = button(tr`Stop`, { iconName: 'cross', testid: 'find-stop', async onClick() { try { await api.delete('/discovery'); } catch (problem) { fill(message, problemBox(problem)); } } });
  const words = h('p', { class: 'muted small', role: 'status' });
  const hint = h('p', { class: 'muted small', id: 'harder-hint' }, tr`“Look harder” also asks each address of the local network, for devices that do not answer a call to all. It takes about a minute.`);
  harder.setAttribute('aria-describedby', hint.id);
  const going = h('div', { class: 'going' }, words);
  const all = h('input', { type: 'checkbox', class: 'tick', id: 'tick-all', 'data-testid': 'tick-all', onChange() {
    for (const d of found.values()) if (!d.addedAs) { if (all.checked) ticked.add(d.id); else ticked.delete(d.id); }
    draw();
  } });
  const allRow = h('div', { class: 'found-head' }, h('label', { class: 'row' }, all, h('span', {}, tr`All that are not added yet`)));
  const list = h('ul', { class: 'found-list', 'data-testid': 'found-list' });
  const teach = h('div', {});

  async function begin(sweep) {
    fill(message);
    find.disabled = harder.disabled = true;
    try {
      seenAt = Date.now();
      take(await api.post('/discovery', { seconds: SECONDS, sweep }));
    } catch (problem) { fill(message, problemBox(problem)); }
    draw();
  }

  /** The whole of a search, or its state alone. */
  function take(answer) {
    if (answer.startedAt !== search.startedAt) {
      if (search.startedAt) { found.clear(); ticked.clear(); }
      seenAt = Date.now();
    }
    search = answer;
    for (const d of answer.items ?? []) found.set(d.id, d);
  }

  function tell() {
    const n = found.size;
    const s = Math.round((Date.now() - seenAt) / 1000);
    const share = search.sweep ?? Math.min(0.97, s / SECONDS);
    say(words, search.running
      ? search.sweep === null ? tr`Asking the network: ${Math.min(s, SECONDS)} s of ${SECONDS}; ${count(n, 'device')} so far.` : tr`Knocking at every address: ${Math.round(search.sweep * 100)} % done; ${count(n, 'device')} so far.`
      : search.startedAt ? count(n, '{0} device found.', '{0} devices found.') : '');
    let b = going.querySelector('.bar');
    if (search.running && !b) { b = bar(0, tr`Search`); going.prepend(b); }
    if (b) { b.hidden = !search.running; b.firstChild.style.width = `${Math.max(3, share * 100)}%`; b.setAttribute('aria-valuenow', Math.round(share * 100)); }
  }

  function draw() {
    for (const id of rows.keys()) if (!found.has(id)) { rows.get(id).el.remove(); rows.delete(id); }
    for (const d of [...found.values()].sort((a, b) => a.id - b.id)) { // in the order in which they answered: nothing moves under a finger
      if (d.addedAs) ticked.delete(d.id);
      if (rows.has(d.id)) rows.get(d.id).update(d);
      else { rows.set(d.id, row(d, chosen)); list.append(rows.get(d.id).el); }
    }
    find.disabled = harder.disabled = search.running;
    stop.hidden = !search.running;
    hint.hidden = search.running;
    const none = found.size === 0;
    list.hidden = allRow.hidden = none;
    form.hidden = none;
    if (!none || search.running) fill(teach);
    else if (!teach.firstChild) {
      fill(teach, search.startedAt
        ? empty({ iconName: 'search', title: tr`Nothing answered`, text: tr`Check that the cameras have power and are on the same network as the box. Look harder, or add a camera by its address.`, action: button(tr`Add by address`, { onClick: () => show('address') }) })
        : empty({ iconName: 'search', title: tr`Cameras will be listed here`, text: tr`“Find cameras” asks the network for cameras, recorders and door controllers; most answer within five seconds. Tick those you want and add them all with one password.` }));
    }
    tell();
    chosen();
  }

  // What is added: one user name and password for all that are ticked.
  const user = field({ label: tr`User name`, pointer: '/userName', value: draft.userName || 'admin', autocomplete: 'off', testid: 'find-user' });
  const password = field({ label: tr`Password`, pointer: '/password', type: 'password', value: draft.password, autocomplete: 'off', testid: 'find-password', hint: tr`The same for all that are ticked; one that has another is corrected afterwards.` });
  for (const [f, key] of [[user, 'userName'], [password, 'password']]) f.input.addEventListener('input', () => { draft[key] = f.value; });
  const clock = toggle({ label: tr`Set their clocks to the site’s time`, hint: tr`Events and recordings then carry the right time.`, on: draft.setTime, testid: 'find-set-time', act: async (next) => { draft.setTime = next; } });
  const add = button(tr`Add devices`, { look: 'primary', iconName: 'plus', type: 'submit', testid: 'add-found' });
  const form = h('form', { class: 'card found-form', 'data-testid': 'add-found-form' }, h('h2', {}, tr`Add the ticked ones`), h('div', { class: 'pair' }, user.el, password.el), clock.el, h('div', { class: 'actions' }, add));

  function chosen() {
    const free = [...found.values()].filter((d) => !d.addedAs);
    const n = free.filter((d) => ticked.has(d.id)).length;
    all.disabled = free.length === 0;
    all.checked = n > 0 && n === free.length;
    all.indeterminate = n > 0 && n < free.length;
    for (const [id, r] of rows) r.tick.checked = ticked.has(id);
    say(add.querySelector('span'), n ? tr`Add ${count(n, 'device')}` : tr`Add devices`);
    add.disabled = n === 0;
  }

  bind(form, { fields: [user, password], button: add, async submit() {
    const list = [...found.values()].filter((d) => ticked.has(d.id));
    if (list.length > MOST) throw wrong(password, tr`At most ${MOST} devices at a time; ${list.length} are ticked.`);
    if (!user.given) throw wrong(user, tr`Enter the user name of the devices; most have “admin”.`);
    if (!password.value && list.some((d) => d.activated !== false)) throw wrong(password, tr`Enter the password of the devices.`);
    const job = await api.post('/onboardings', {
      siteId: draft.siteId,
      userName: user.given,
      ...(password.value && { password: password.value }),
      setTime: draft.setTime,
      devices: list.map((d) => ({ address: d.address, ...(d.httpPort && { httpPort: d.httpPort }), ...(d.https && { https: true }), ...(d.rtspPort && { port: d.rtspPort }) })),
    });
    ticked.clear();
    store.devicePassword = password.value;
    go(`/onboarding/${job.id}`);
  }, after: chosen });

  on('discovered', (d) => { found.set(d.id, d); draw(); });
  on('discovery', (s) => { take(s); draw(); });
  const load = async () => {
    try { take(await api.get('/discovery')); fill(message); } catch (problem) { if (problem.status !== 401) fill(message, problemBox(problem)); }
    draw();
  };
  on('resync', load);
  const timer = setInterval(() => { if (search.running) tell(); }, 500);
  cleanup(() => clearInterval(timer));
  draw();
  load().then(() => { if (query.has('now') && !search.running) begin(false); }); // led here by “Find cameras”: one press is enough
  const el = h('div', { class: 'columns' }, h('div', {},
    h('div', { class: 'row wrap' }, find, harder, stop), hint, going, message, allRow, list, teach),
  form);
  return { el };
}
