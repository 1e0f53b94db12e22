// The second storage: a mirror of the first, or where clips go while the first does not work.
import { api } from './api.js';
import { ask, toast } from './dialog.js';
import { fill, h } from './dom.js';
import { choice, field, wrong } from './form.js';
import { bytes, count, when } from './format.js';
import { tr } from './language.js';
import { button, card, facts, problemBox, sentence } from './parts.js';
import { put, store } from './store.js';
import { targetFacts, targetForm, testStorage } from './target-form.js';

/** What the form has above the place itself: what the second storage is for. */
function purpose(second) {
  const role = choice({ label: tr`Use it as`, pointer: '/role', value: second?.role ?? 'mirror', testid: 'second-role', onChange: () => shape(), options: [{ value: 'mirror', label: tr`Mirror` }, { value: 'fallback', label: tr`Fallback` }] });
  const after = field({ label: tr`After so many minutes`, pointer: '/afterMinutes', value: String(second?.afterMinutes ?? 10), inputmode: 'numeric', testid: 'second-after', hint: tr`How long the first storage must have failed before clips go here.` });
  const said = h('p', { class: 'muted' });
  const shape = () => {
    after.el.hidden = role.value !== 'fallback';
    said.textContent = role.value === 'mirror' ? tr`Every clip goes to both. The line carries each clip twice; copies go when nothing else waits.`
      : tr`Clips go here while the first storage does not work, and stay here.`;
  };
  shape();
  const read = () => {
    if (role.value === 'mirror') return { role: 'mirror' };
    const minutes = Number(after.given);
    if (!Number.isInteger(minutes) || minutes < 0 || minutes > 1440) throw wrong(after, tr`Enter 0 to 1440 minutes.`);
    return { role: 'fallback', afterMinutes: minutes };
  };
  return { el: h('div', { class: 'stack' }, role.el, said, after.el), read };
}

export function secondCard({ on }) {
  const body = h('div', { 'data-testid': 'second' });
  const result = h('div', { 'aria-live': 'polite' }); // stays while news about the storage come
  let editing = false;
  let drawn = '';

  function form(second) {
    fill(result);
    const above = purpose(second);
    const close = () => { editing = false; draw(true); };
    fill(body, targetForm({ target: second?.target, done: close, cancel: close, use: {
      test: '/storage/second/test', above: above.el,
      save: (target) => api.put('/storage/second', { ...above.read(), target }), saved: tr`Saved. The second storage is in use.`,
      remove: () => api.delete('/storage/second'), removed: tr`The second storage has been removed.`,
      question: { title: tr`Remove the second storage?`, action: tr`Remove`, text: tr`Clips no longer go there. Those that it alone has stay there, and cannot be played until it is set again.` },
    } }));
  }

  function formerPart(former) {
    if (!former.length) return null;
    const forget = button(tr`Forget`, { look: 'quiet', testid: 'former-forget', async onClick() {
      if (!await ask({ title: tr`Forget the storages of before?`, action: tr`Forget`, text: tr`Their keys are removed from the box. Clips that lie there stay there, and cannot be played or removed by the box any more.` })) return;
      try {
        await api.delete('/storage/former');
        put('storage', await api.get('/storage'));
        toast(tr`The storages of before have been forgotten.`);
      } catch (problem) { fill(body, problemBox(problem)); }
    } });
    return h('div', { class: 'stack', 'data-testid': 'former' }, h('p', { class: 'muted' }, tr`Clips in storages of before are played from there until their time has come:`),
      h('ul', {}, former.map((f) => h('li', {}, h('code', {}, f.place), ` ${count(f.clips, 'clip')}, ${bytes(f.bytes)}`))), h('div', { class: 'actions' }, forget));
  }

  function draw(force) {
    const s = store.storage;
    if (!s) return;
    const key = JSON.stringify([s.second, s.former, Boolean(s.target)]);
    if (!force && (editing || key === drawn)) return;
    drawn = key;
    if (!s.second) {
      fill(body, h('p', { class: 'muted' }, s.target ? tr`Clips can go to a second place too, or instead while the first does not work.` : tr`A second place can be set once there is a first.`),
        s.target && h('div', { class: 'actions' }, button(tr`Add a second storage`, { testid: 'second-add', onClick() { editing = true; form(null); } })), formerPart(s.former));
      return;
    }
    const two = s.second;
    const test = button(tr`Test`, { iconName: 'test', testid: 'second-test', async onClick() { test.disabled = true; await testStorage(result, null, [], '/storage/second/test'); test.disabled = false; } });
    fill(body, sentence(two.inUse ? 'attention' : two.state.severity, two.state.sentence, two.state.severity !== 'ok' && h('p', { class: 'muted small' }, tr`Since ${when(two.state.since)}.`)),
      facts([[tr`Used as`, two.role === 'mirror' ? tr`Mirror` : tr`Fallback after ${count(two.afterMinutes, 'minute')}`], [tr`There`, `${count(two.clips, 'clip')}, ${bytes(two.bytes)}`], two.role === 'mirror' && [tr`Copies that wait`, two.waiting ? count(two.waiting, 'clip') : tr`none|copies`]]),
      targetFacts(two.target), result,
      h('div', { class: 'actions' }, test, button(tr`Change`, { testid: 'second-change', onClick() { editing = true; form(two); } })), formerPart(s.former));
  }

  on('storage', () => draw(false));
  on('resync', () => draw(false));
  draw(true);
  return card(tr`Second storage`, body);
}
