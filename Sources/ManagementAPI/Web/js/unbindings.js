// Requests to unbind a device: of those who have it in their hands, to those who decide.
import { api, query } from './api.js';
import { fill, h, icon, settle } from './dom.js';
import { field } from './form.js';
import { tr } from './language.js';
import { title } from './navigate.js';
import { empty, head, link, problemBox } from './parts.js';
import { may, store } from './store.js';
import { STATES, unbindingCard } from './unbinding-card.js';

export async function unbindingsPage({ root, on, skeleton }) {
  title(tr`Requests to unbind`);
  skeleton();
  const decides = may('unbind') || store.user?.isOwner;
  const state = field({ label: tr`State|of a request`, type: 'select', options: [['', tr`All`], ...Object.entries(STATES).map(([code, { word }]) => [code, word])], testid: 'unbinding-state' });
  const region = field({ label: tr`Region|of a country`, type: 'search', placeholder: tr`City or province`, maxlength: 100, testid: 'unbinding-region' });
  const message = h('div', { class: 'form-message', role: 'alert' });
  const list = h('div', { class: 'stack', 'data-testid': 'unbindings' });
  const none = h('div', {});
  const filter = h('div', { class: 'pair unbinding-filter' }, state.el, decides && region.el);
  let drawn = new Map(); // cards that nothing has changed in stay as they are, with what is typed into them

  let looks = 0;
  let acted = null; // the request with which something was just done: it is where the keyboard goes on

  async function load(id = null) {
    acted ??= id;
    looks += 1;
    const mine = looks;
    const asked = { state: state.value, region: decides ? region.given : null };
    // What waits for a decision comes first, however old it is.
    const lists = await Promise.all((asked.state ? [asked] : [{ ...asked, state: 'in-progress' }, asked]).map((one) => api.get(`/unbindings${query(one)}`)));
    if (mine !== looks) return; // a later look has what is new
    const items = [...new Map(lists.flatMap((one) => one.items).map((request) => [request.id, request])).values()];
    const held = acted ?? [...drawn].find(([, { el }]) => el.contains(document.activeElement))?.[0];
    acted = null;
    const next = new Map();
    for (const request of items) {
      const key = JSON.stringify(request);
      const known = drawn.get(request.id);
      next.set(request.id, known?.key === key ? known : { key, el: unbindingCard(request, load) });
    }
    const els = [...next.values()].map((one) => one.el);
    if (els.length !== list.children.length || els.some((el, i) => list.children[i] !== el)) {
      for (const el of [...list.children]) if (!els.includes(el)) el.remove();
      els.forEach((el, i) => { if (list.children[i] !== el) list.insertBefore(el, list.children[i] ?? null); });
    }
    if (held && next.get(held)?.el !== drawn.get(held)?.el) (next.get(held)?.el.querySelector('h2') ?? root.querySelector('h1'))?.focus({ preventScroll: true });
    drawn = next;
    const narrowed = Boolean(asked.state || asked.region);
    filter.hidden = items.length === 0 && !narrowed;
    fill(none, items.length === 0 && (narrowed ? h('p', { class: 'muted' }, tr`There is no such request.`) : teaching(decides)));
  }
  const again = async () => { fill(message); try { await load(); } catch (problem) { fill(message, problemBox(problem)); } };
  state.input.addEventListener('change', again);
  region.input.addEventListener('input', settle(again, 250));
  for (const name of ['notices', 'resync']) on(name, again);
  await load();
  fill(root, head([link('#/sites', 'back', icon('back'), tr`Sites`), h('h1', { tabindex: -1 }, tr`Requests to unbind`)]), h('div', { class: 'narrow' }, filter, message, list, none));
}

function teaching(decides) {
  const asks = may('configure') && !store.user?.isOwner;
  return empty({ iconName: 'unplug', title: tr`Nobody asks for a device`, text: [
    decides && tr`When a company has a device in its hands that is bound to a site here, it asks for it with a photo of the label, and you decide.`,
    asks && tr`When you add a device that is bound to another site, the failure itself offers to ask for it. What you asked for is here then.`].filter(Boolean).join(' '),
  action: asks && link('#/add', 'button', icon('plus'), h('span', {}, tr`Add cameras`)) });
}
