// The card for whoever helps with the box: more of the log for a day, and all that it says of itself in one file.
import { api } from './api.js';
import { fill, h, icon } from './dom.js';
import { toggle } from './form.js';
import { bytes, count, when } from './format.js';
import { tr } from './language.js';
import { card, facts, problemBox } from './parts.js';

export function supportCard() {
  const place = h('div', { class: 'stack' });
  const el = card(tr`Support`, h('div', { class: 'stack' }, h('p', { class: 'muted small' }, tr`What the box says of itself, with the end of its log, in one file for whoever helps you. Passwords, keys and footage are not in it.`), place));
  el.dataset.testid = 'support';

  function show(support) {
    const collecting = toggle({ label: tr`Keep more of the log`, hint: support.until ? tr`Until ${when(support.until)}; then no more, by itself.` : tr`For 24 hours; then no more, by itself.`, on: support.collectsLog, testid: 'support-collect',
      async act(next) { show(await api.put('/support', { collectsLog: next })); } });
    fill(place, facts([[tr`Log`, `${count(support.lines, 'line of it', 'lines of it')}, ${bytes(support.bytes)}`]]), collecting.el,
      h('div', { class: 'row wrap' }, h('a', { class: 'button', href: '/api/v1/support/bundle', download: '', 'data-testid': 'support-bundle' }, icon('download'), h('span', {}, tr`Save the file for support`))));
  }

  async function load() {
    try { show(await api.get('/support')); } catch (problem) { fill(place, problemBox(problem)); }
  }
  return { el, load };
}
