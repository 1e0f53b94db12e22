// What was done: the operation log.
import { api, query, seg } from './api.js';
import { fill, h, icon } from './dom.js';
import { bind, field, wrong } from './form.js';
import { fromSiteClock } from './format.js';
import { tr } from './language.js';
import { title } from './navigate.js';
import { resultWords } from './operation-results.js';
import { actionsByWords, actionWords } from './operation-words.js';
import { button, card, empty, head, link, problemBox, time } from './parts.js';
import { may } from './store.js';

/** When a day begins at the site, or the one so many days after it. */
const dayBegins = (day, after = 0) => fromSiteClock(new Date(Date.parse(`${day}T00:00:00Z`) + after * 86400000).toISOString().slice(0, 19));

/** Of the box, or of one site: for its owner, and for those of the provider who read everything. */
export async function operationsPage({ root, params: [siteId = null] }) {
  const site = siteId && await api.get(`/sites/${seg(siteId)}`);
  const heading = site ? tr`What was done at ${site.name}` : tr`What was done`;
  title(heading);
  const readsAll = may('read-log');
  const path = site && !readsAll ? `/sites/${seg(siteId)}/operations` : '/operations';
  const list = h('ol', { class: 'plain-list operations', 'data-testid': 'operations' });
  const more = h('div', { class: 'row' });
  const person = field({ label: tr`Person`, optional: true, maxlength: 64, autocomplete: 'off', testid: 'log-person' });
  const failed = field({ label: tr`Show`, type: 'select', options: [['', tr`All`], ['failed', tr`Refused and failed`]], testid: 'log-result' });
  const first = field({ label: tr`First day`, pointer: '/from', type: 'date', optional: true, testid: 'log-first' });
  const last = field({ label: tr`Last day`, pointer: '/to', type: 'date', optional: true, testid: 'log-last' });
  const action = field({ label: tr`What|was done`, type: 'select', options: [['', tr`Everything`], ...actionsByWords()], testid: 'log-action' });
  const further = h('details', { class: 'more' }, h('summary', { 'data-testid': 'log-filters' }, tr`More filters`), h('div', { class: 'pair' }, first.el, last.el), action.el);
  const save = button(tr`Show`, { type: 'submit', testid: 'log-show' });
  const form = h('form', {}, h('div', { class: 'pair' }, person.el, failed.el), further, h('div', { class: 'actions' }, save));
  const all = h('a', { class: 'button', download: '', 'data-testid': 'log-export' });
  const own = site && readsAll ? { siteId } : {};
  let chosen = own;
  function choose() {
    if (first.given && last.given && last.given < first.given) throw wrong(last, tr`It is before the first day.`);
    chosen = { ...own, person: person.given, result: failed.value || null, from: first.given && dayBegins(first.given), to: last.given && dayBegins(last.given, 1), action: action.given };
  }
  async function load(before) {
    const page = await api.get(`${path}${query({ ...chosen, before })}`);
    const rows = page.items.map(row);
    const narrowed = query(chosen);
    all.href = `/api/v1/operations/export${narrowed}`;
    fill(all, icon('download'), h('span', {}, narrowed ? tr`These lines` : tr`All lines`));
    if (before) list.append(...rows); else fill(list, rows);
    if (!before && rows.length === 0) fill(list, h('li', {}, empty({ iconName: 'clock', title: tr`Nothing here`, text: tr`Nothing like that was done.` })));
    fill(more, page.next && button(tr`Earlier|lines of the log`, { testid: 'log-more', onClick: () => load(page.next).catch((problem) => fill(more, problemBox(problem))) }));
  }
  bind(form, { fields: [person, failed, first, last, action], button: save, async submit() { choose(); await load(); } });
  fill(root, head(site ? [link(`#/sites/${seg(siteId)}`, 'back', icon('back'), site.name), h('h1', { tabindex: -1 }, heading)] : heading, readsAll && all),
    h('div', { class: 'narrow' }, card(null, form, list, more)));
  await load();
}

function row(o) {
  const done = o.result === 'done';
  const about = [o.role, o.address, tr`line ${o.number}`, o.clock !== 'synchronized' && tr`the clock was not set by the network`].filter(Boolean);
  return h('li', { 'data-action': o.action, 'data-result': o.result }, icon(done ? 'check' : 'cross', done ? tr`Done` : tr`Not done`), h('div', {},
    h('span', {}, h('span', { class: 'strong' }, `${o.person || tr`Somebody`}: ${actionWords(o.action)}${o.subjectName ? `, ${o.subjectName}` : ''}`), !done && h('span', { class: 'tag' }, resultWords(o.result))),
    h('span', { class: 'muted small' }, time(o.at), ` · ${about.join(' · ')}`), changes(o)));
}

function changes(o) {
  if (!o.after && !o.before) return null;
  const read = (text) => { try { return JSON.parse(text ?? '{}'); } catch { return { request: text }; } };
  const [before, after] = [read(o.before), read(o.after)];
  const text = (v) => (typeof v === 'string' ? v : JSON.stringify(v));
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  // Of what is gone there is only how it was.
  const told = (name) => (!(name in after) ? text(before[name]) : name in before && before[name] !== after[name] ? `${text(before[name])} → ${text(after[name])}` : text(after[name]));
  return h('details', {}, h('summary', { class: 'small' }, o.after ? tr`What was asked for` : tr`How it was`), h('dl', { class: 'facts' }, names.map((name) => h('div', {}, h('dt', {}, name), h('dd', {}, told(name))))));
}
