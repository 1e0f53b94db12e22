// The signed record of the footage in the storage: who signs, how long it is, when it was told last.
import { api } from './api.js';
import { fill, h } from './dom.js';
import { count, when } from './format.js';
import { tr } from './language.js';
import { card, facts, problemBox, sentence } from './parts.js';

export function chainCard({ on }) {
  const body = h('div', { 'data-testid': 'chain', 'aria-live': 'polite' });
  let known = null;

  async function load() {
    try {
      const c = await api.get('/storage/chain');
      const links = c.chains.reduce((sum, chain) => sum + chain.links, 0);
      const waiting = c.chains.reduce((sum, chain) => sum + chain.waiting, 0);
      const there = c.second?.chains.reduce((sum, chain) => sum + chain.links, 0);
      fill(body,
        links === 0 ? h('p', { class: 'muted' }, tr`Each clip in the storage is entered in a signed record, so that a missing or changed clip is noticed. It begins with the first clip.`)
          : sentence('ok', waiting ? tr`${count(links, 'clip')} in the record, ${waiting} of them not yet told to the storage.` : tr`${count(links, 'clip')} in the record.`),
        facts([
          [tr`Told to the storage`, c.checkpointAt ? when(c.checkpointAt) : tr`not yet since the box started`],
          c.second && [tr`In the second storage`, `${count(there, 'clip')}, ${c.second.checkpointAt ? tr`told ${when(c.second.checkpointAt)}` : tr`not told yet`}`],
          [tr`The box’s key`, h('code', { class: 'key', 'data-testid': 'chain-key' }, c.publicKey)],
        ]),
        h('p', { class: 'muted small' }, tr`Keep the key somewhere else: with it, "gatehouse footage verify" finds every clip that is missing, changed or added.`));
    } catch (problem) { if (problem.status !== 401) fill(body, problemBox(problem)); }
  }

  on('storage', (storage) => {
    const clips = storage?.stored?.clips;
    if (clips === known) return;
    known = clips;
    load();
  });
  on('resync', load);
  load();
  return card(tr`Signed record`, body);
}
