// A site that nobody looks after any more: its owner is asked to let one's own company do so.
import { api, seg } from './api.js';
import { toast } from './dialog.js';
import { fill, h, icon } from './dom.js';
import { bind, field, wrong } from './form.js';
import { when } from './format.js';
import { tr } from './language.js';
import { title } from './navigate.js';
import { button, card, head, link, problemBox } from './parts.js';
import { codeReader } from './read-code.js';
import { store } from './store.js';
import { wishFields } from './wishes.js';

const STATES = { pending: tr`waits for the owner`, approved: tr`approved`, refused: tr`refused`, withdrawn: tr`taken back` };
const ICONS = { pending: 'clock', approved: 'check', refused: 'cross', withdrawn: 'dash' };

export async function takeOverPage({ root, query, on }) {
  title(tr`Take over a site`);
  const list = h('div', {});
  async function load() {
    const { items } = await api.get('/site-applications');
    fill(list, applicationsCard(items, load));
  }
  const form = applyCard({ siteId: query.get('site') ?? '', applied: load });
  fill(root, head([link('#/sites', 'back', icon('back'), tr`Sites`), h('h1', { tabindex: -1 }, tr`Take over a site`)]), h('div', { class: 'columns' }, form, list));
  // The answer comes as a notice; while it cannot be had, what is shown stays.
  for (const name of ['notices', 'resync']) on(name, () => { load().catch(() => {}); });
  await load();
}

function applyCard({ siteId, applied }) {
  const site = field({ label: tr`Site ID`, pointer: '/siteId', value: siteId, maxlength: 64, autocomplete: 'off', class: 'mono', testid: 'take-over-site', hint: tr`The owner finds it on the page of the site.` });
  const named = h('p', { class: 'strong', 'data-testid': 'take-over-named' });
  const name = () => { const known = store.codeSite; named.textContent = known && known.id === site.given ? [known.name, known.company].filter(Boolean).join(', ') : ''; };
  site.input.addEventListener('input', name);
  const reader = codeReader({ testid: 'take-over', taken(answer) {
    if (answer.kind !== 'site') { site.error(tr`This is the code of a device. Read the one of the site.`); return; }
    store.codeSite = answer.site;
    site.value = answer.site.id;
    site.error(null);
    name();
  } });
  const wishes = wishFields({ devices: [], testid: 'take-over', ticked: ['configuration', 'live-view'] });
  const remarks = field({ label: tr`Remarks`, pointer: '/remarks', type: 'area', rows: 2, optional: true, maxlength: 1000, testid: 'take-over-remarks', hint: tr`The owner reads them before they decide.` });
  const save = button(tr`Ask the owner`, { look: 'primary', type: 'submit', testid: 'take-over-submit' });
  const form = h('form', { class: 'stack', 'data-testid': 'take-over-form' }, site.el, named, wishes.el, remarks.el, h('div', { class: 'actions' }, save));
  bind(form, { fields: [site, remarks, ...wishes.fields], button: save, busy: tr`Asking…`, async submit() {
    if (!site.given) throw wrong(site, tr`Enter the ID of the site, or read its QR code.`);
    wishes.check({ some: true });
    await api.post('/site-applications', { siteId: site.given, permissions: wishes.read(), remarks: remarks.given });
    site.value = remarks.value = '';
    name();
    toast(tr`The owner is asked.`);
    await applied();
  } });
  name();
  return card(tr`Ask its owner`, h('div', { class: 'stack' }, h('p', { class: 'muted small' }, tr`For a site whose owner has no service provider any more. When the owner approves, your company looks after it, with what the owner grants.`), reader, form));
}

function applicationsCard(items, redraw) {
  const message = h('div', { class: 'form-message', role: 'alert' });
  const back = (one) => button(tr`Take back`, { look: 'small', testid: 'take-over-back', async onClick() {
    fill(message);
    try { await api.delete(`/site-applications/${seg(one.id)}`); toast(tr`Taken back.`); await redraw(); } catch (problem) { fill(message, problemBox(problem)); }
  } });
  const row = (one) => h('li', { 'data-state': one.state, 'data-site': one.siteId }, icon(ICONS[one.state] ?? 'dot'),
    h('span', {}, one.site ? link(`#/sites/${seg(one.siteId)}`, 'strong', one.site) : h('code', { class: 'wrap' }, one.siteId),
      h('span', { class: 'muted small block-line' }, [when(one.createdAt), STATES[one.state] ?? one.state, one.decidedAt && when(one.decidedAt)].filter(Boolean).join(' · ')), one.remarks && h('span', { class: 'block-line' }, `“${one.remarks}”`)),
    one.state === 'pending' && back(one));
  return card(tr`What your company asked`, items.length === 0 ? h('p', { class: 'muted' }, tr`Nothing yet. What is asked, and what the owner answers, will be here.`)
    : h('ul', { class: 'plain-list people', 'data-testid': 'take-overs' }, items.map(row)), message);
}
