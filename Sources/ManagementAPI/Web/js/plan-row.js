// The plan of one camera: how it stands, and what can be done with it.
import { api } from './api.js';
import { ask, toast } from './dialog.js';
import { fill, h, icon } from './dom.js';
import { bind, field, toggle } from './form.js';
import { count } from './format.js';
import { tr } from './language.js';
import { button, piece, problemBox } from './parts.js';

const DAY = 86400000;

export const packageWords = (p) => (p.term === 'year' ? tr`${p.retentionDays} days of footage for a year` : tr`${p.retentionDays} days of footage for a month`);

/** Whether the plan goes on without anybody's help. */
export const renewsItself = (plan, stock) => plan.automaticRenewal && stock.some((s) => s.package === plan.package && s.count > 0);

/** Word, tone and icon of a state; those that need somebody are amber. */
function stateWords(plan, stock) {
  if (plan.state === 'active') return [tr`Active`, 'ok', 'check'];
  if (plan.state === 'expired') return [tr`Ended`, 'attention', 'warn'];
  if (plan.state === 'not-activated') return [tr`No plan`, 'attention', 'warn'];
  if (renewsItself(plan, stock)) return [tr`Renews itself`, 'ok', 'check'];
  const days = Math.ceil((Date.parse(plan.until) - Date.now()) / DAY);
  return [days <= 1 ? tr`Ends today` : days === 2 ? tr`Ends tomorrow` : count(days - 1, 'Ends in {0} day', 'Ends in {0} days'), 'attention', 'warn'];
}

/** Sixteen characters in groups of four, while they are typed at the end. */
function group(input) {
  if (input.selectionStart !== input.value.length) return;
  const plain = input.value.toUpperCase().replace(/[^0-9A-Z]/g, '').slice(0, 16);
  input.value = plain.match(/.{1,4}/g)?.join('-') ?? '';
}

function keyForm(path, changed, wordOf) {
  const key = field({ label: tr`Service key`, pointer: '/serviceKey', class: 'mono', placeholder: '7K4P-2MWD-9QTR-H6VB', autocomplete: 'off', autocapitalize: 'characters', maxlength: 40, testid: 'service-key', hint: tr`Sixteen characters, as printed. O and 0, I, L and 1 are taken for one another.` });
  key.input.addEventListener('input', () => group(key.input));
  const use = button(wordOf(), { look: 'primary', type: 'submit', testid: 'use-key' });
  const form = h('form', { class: 'key-form', 'data-testid': 'key-form' }, key.el, h('div', { class: 'actions' }, use));
  bind(form, { fields: [key], button: use, busy: tr`Asking…`, async submit() {
    if (!key.given) throw { wrong: key, sentence: tr`Enter the service key.` };
    const plan = await api.put(path, { serviceKey: key.given });
    key.value = '';
    toast(plan.sentence);
    await changed();
  } });
  return { form, word: (text) => { if (!use.disabled) fill(use, h('span', {}, text)); } };
}

/** A row whose fields keep what is typed while the plan changes. */
export function planRow({ path, changed }) {
  let plan = null;
  let all = null;
  const active = () => plan.state === 'active' || plan.state === 'expiring';
  const name = h('span', { class: 'plan-name' });
  const chip = h('span', {});
  const stock = h('div', {});
  const rest = h('div', {});
  const message = h('div', { role: 'alert' });
  const key = keyForm(path, changed, () => tr`Activate`);

  /** Does something with the plan, with the button busy. */
  async function act(press, what, done) {
    press.disabled = true;
    fill(message);
    try {
      const answer = await what();
      toast(done ?? answer.sentence);
      await changed();
    } catch (problem) { fill(message, problemBox(problem)); }
    press.disabled = false;
  }

  const drawStock = piece(stock, () => [active(), all.stock], () => {
    const there = all.stock.filter((s) => s.count > 0);
    if (there.length === 0) return [];
    return [h('p', { class: 'strong' }, active() ? tr`Or renew from stock` : tr`Or activate from stock`), h('div', { class: 'plan-stock' }, there.map((s) => {
      const press = button(tr`${packageWords(s)} (${s.count} in stock)`, { look: 'plain', testid: `use-${s.package}`, onClick: () => act(press, () => api.put(path, { package: s.package })) });
      return press;
    }))];
  });

  const drawRest = piece(rest, () => active() && [plan.automaticRenewal, plan.channelName, free().map((c) => [c.channelId, c.channelName])], () => {
    if (!active()) return [];
    const renews = toggle({ label: tr`Renews itself`, hint: tr`Takes a package of the same kind out of stock on the last day.`, on: plan.automaticRenewal, testid: 'automatic-renewal',
      async act(automaticRenewal) { await api.patch(path, { automaticRenewal }); await changed(); } });
    const others = free();
    const to = field({ label: tr`Move the plan to`, type: 'select', testid: 'move-to', options: others.map((c) => [c.channelId, c.channelName]), value: others[0]?.channelId });
    const move = button(tr`Move`, { testid: 'move-plan', async onClick() {
      const taker = others.find((c) => c.channelId === to.value);
      const yes = await ask({ title: tr`Move the plan to ${taker.channelName}?`, action: tr`Move`, text: tr`${plan.channelName} is no longer recorded; ${taker.channelName} is, from now on. Footage in the cloud stays until its retention ends.` });
      if (yes) await act(move, () => api.post(`${path}/transfer`, { channelId: to.value }), tr`${taker.channelName} has the plan now.`);
    } });
    const end = button(tr`End the plan`, { look: 'danger-quiet', testid: 'end-plan', async onClick() {
      const yes = await ask({ title: tr`End the plan of ${plan.channelName}?`, action: tr`End the plan`, text: tr`${plan.channelName} is no longer recorded, and what is left of its plan is lost. Footage in the cloud stays until its retention ends.` });
      if (yes) await act(end, () => api.delete(path), tr`The plan of ${plan.channelName} has ended.`);
    } });
    return [renews.el, others.length > 0 ? h('div', { class: 'plan-move' }, to.el, move) : h('p', { class: 'muted small' }, tr`There is no other linked camera without a plan to move this one to.`), h('div', {}, end)];
  });

  const free = () => all.channels.filter((c) => c.linked && c.channelId !== plan.channelId && (c.state === 'not-activated' || c.state === 'expired'));
  const el = h('details', { class: 'plan-row', 'data-testid': 'plan-row' }, h('summary', {}, name, chip, icon('down')), h('div', { class: 'plan-body' }, key.form, stock, message, rest));

  return {
    el,
    draw(now, plans) {
      plan = now;
      all = plans;
      const [word, tone, iconName] = stateWords(plan, all.stock);
      el.dataset.state = plan.state;
      el.dataset.channel = plan.channelId;
      fill(name, h('span', { class: 'strong' }, plan.channelName), h('span', { class: 'muted small' }, plan.sentence));
      fill(chip, h('span', { class: `chip ${tone}` }, icon(iconName), word));
      key.word(active() ? tr`Renew` : tr`Activate`);
      drawStock();
      drawRest();
    },
  };
}
