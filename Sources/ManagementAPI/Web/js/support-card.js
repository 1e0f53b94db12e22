// The card for whoever helps with the box: more of the log for a day, and all that it says of itself in one file.
import { api } from './api.js';
import { fill, h, icon } from './dom.js';
import { toggle } from './form.js';
import { bytes, count, when } from './format.js';
import { tr } from './language.js';
import { card, facts, problemBox } from './parts.js';

/** How earlier lives of the box ended; what is left of each is in the file. */
function crashes(list) {
  const first = list.slice(0, 3).map(x => h('div', {}, x.wasSent && x.signal === 'SIGABRT' ? tr`${when(x.at)}, version ${x.version}: it hung, and was ended` : tr`${when(x.at)}, version ${x.version}: ${x.signal}`));
  return h('div', { 'data-testid': 'support-crashes' }, first, list.length > 3 && h('div', { class: 'muted small' }, tr`and ${list.length - 3} before`));
}

export function supportCard() {
  const place = h('div', { class: 'stack' });
  const el = card(tr`Support`, h('div', { class: 'stack' }, h('p', { class: 'muted small' }, tr`What the box says of itself, with the end of its log, in one file for whoever helps you. Passwords, keys and footage are not in it.`), place));
  el.dataset.testid = 'support';

  function show(support) {
    const collecting = toggle({ label: tr`Keep more of the log`, hint: support.until ? tr`Until ${when(support.until)}; then no more, by itself.` : tr`For 24 hours; then no more, by itself.`, on: support.collectsLog, testid: 'support-collect',
      async act(next) { show(await api.put('/support', { collectsLog: next })); } });
    fill(place, facts([[tr`Log`, `${count(support.lines, 'line of it', 'lines of it')}, ${bytes(support.bytes)}`], [tr`Crashes`, support.crashes.length ? crashes(support.crashes) : tr`none`]]), collecting.el,
      h('div', { class: 'row wrap' }, h('a', { class: 'button', href: '/api/v1/support/bundle', download: '', 'data-testid': 'support-bundle' }, icon('download'), h('span', {}, tr`Save the file for support`))));
  }

  async function load() {
    try { show(await api.get('/support')); } catch (problem) { fill(place, problemBox(problem)); }
  }
  return { el, load };
}
