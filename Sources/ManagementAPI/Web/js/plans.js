// Plans: what is paid for, camera by camera; service keys, packages in stock, vouchers.
import { api, seg } from './api.js';
import { fill, h, say } from './dom.js';
import { full, when } from './format.js';
import { card, fileButton, piece, problemBox } from './parts.js';
import { packageWords, planRow, renewsItself } from './plan-row.js';
import { toast } from './dialog.js';
import { tr } from './language.js';
import { refreshHealth } from './store.js';

const RANK = { expiring: 0, expired: 1, 'not-activated': 2, active: 3 };
/** Those that need somebody first. */
const rank = (p, stock) => (p.state === 'expiring' && renewsItself(p, stock) ? RANK.active : RANK[p.state]);
const NOT_A_VOUCHER = tr`This is not a voucher file. Choose the one that whoever sells the plans gave you.`;

const SOURCES = { 'service-key': tr`by service key`, stock: tr`from stock`, automatic: tr`by itself` };
function historyWords(entry, stock) {
  const what = { activated: tr`activated`, renewed: tr`renewed`, transferred: tr`moved to ${entry.toChannelName}`, expired: tr`expired`, ended: tr`ended by hand` }[entry.kind] ?? entry.kind;
  const kind = stock.find((s) => s.package === entry.package);
  return [`${entry.channelName || tr`A camera since removed`}: ${what}${entry.source ? ` ${SOURCES[entry.source] ?? entry.source}` : ''}`, kind && packageWords(kind)];
}

export function plansCard({ on }) {
  const rows = new Map();
  const content = h('div', {});
  const message = h('div', { 'aria-live': 'polite', 'data-testid': 'voucher-message' });
  const stock = h('p', { class: 'muted', 'data-testid': 'plan-stock' });
  const list = h('div', { class: 'plan-rows', 'data-testid': 'plan-rows' });
  const history = h('ol', { class: 'plan-history' });
  const past = h('details', { class: 'more' }, h('summary', { 'data-testid': 'plan-history' }, tr`What happened to plans`), history);
  const most = h('p', { class: 'muted small', 'data-testid': 'plan-most' });
  let plans = null;

  const drawHistory = piece(history, () => plans.history, () => plans.history.map((entry) => {
    const [line, kind] = historyWords(entry, plans.stock);
    return h('li', {}, h('span', {}, line), h('span', { class: 'muted small', title: full(entry.at) }, [when(entry.at), kind].filter(Boolean).join(', ')));
  }));

  async function importVoucher(file) {
    fill(message);
    let voucher = null;
    try { voucher = file.size <= 65536 ? JSON.parse(await file.text()) : null; } catch { /* said below */ }
    try {
      if (voucher?.format === undefined || !voucher.signature) throw { detail: NOT_A_VOUCHER, status: 422 };
      const answer = await api.post('/plans/vouchers', voucher);
      toast(answer.sentence);
      await load();
    } catch (problem) {
      fill(message, problemBox(problem, (problem.errors ?? []).slice(0, 5).map((e) => e.detail)));
    }
  }

  const enforced = [
    h('div', { class: 'plan-head' }, stock, fileButton(tr`Import a voucher`, 'voucher-file', importVoucher)), message, list, most, past,
  ];

  function draw() {
    if (!plans) return;
    if (!plans.enforced) {
      fill(content, h('p', { class: 'muted', 'data-testid': 'plans-not-needed' }, plans.sentence));
      return;
    }
    if (list.parentNode !== content) fill(content, enforced);
    const there = plans.stock.filter((s) => s.count > 0);
    say(stock, there.length === 0 ? tr`No packages in stock.` : tr`In stock: ${there.map((s) => `${s.count} × ${packageWords(s)}`).join('; ')}.`);
    const sorted = plans.channels.filter((p) => p.linked || p.state !== 'not-activated').sort((a, b) => rank(a, plans.stock) - rank(b, plans.stock) || a.channelName.localeCompare(b.channelName, 'en', { numeric: true }));
    for (const plan of sorted) {
      if (!rows.has(plan.channelId)) rows.set(plan.channelId, planRow({ path: `/channels/${seg(plan.channelId)}/plan`, changed: load }));
      rows.get(plan.channelId).draw(plan, plans);
    }
    const wanted = sorted.map((p) => rows.get(p.channelId).el);
    if (wanted.length !== list.children.length || wanted.some((el, i) => list.children[i] !== el)) list.replaceChildren(...wanted);
    if (sorted.length === 0) fill(list, h('p', { class: 'muted' }, tr`Link a camera to the cloud; then its plan can be activated here.`));
    say(most, tr`A box records at most ${plans.mostChannels} cameras for the cloud, so it can use at most ${plans.mostChannels} plans at a time.`);
    past.hidden = plans.history.length === 0;
    drawHistory();
  }

  async function load() {
    try {
      plans = await api.get('/plans');
      draw();
      refreshHealth();
    } catch (problem) { if (problem.status !== 401) fill(content, problemBox(problem)); }
  }

  on('plans', (object) => { plans = object; draw(); });
  on('channel', (now, before) => { if (before?.linked !== now.linked || before?.name !== now.name) load(); });
  on('resync', load);
  load();
  const el = card(tr`Plans`, content);
  el.dataset.testid = 'plans';
  return el;
}
