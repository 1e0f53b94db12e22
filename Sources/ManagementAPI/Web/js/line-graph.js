// The line over the last minutes, small, with its readings as a table for who wants them.
import { fill, h, svg } from './dom.js';
import { clockSeconds, lineRate } from './format.js';
import { tr } from './language.js';
import { store } from './store.js';

const W = 320;
const H = 72;
const SHOWN = 90;

export function lineGraph() {
  const area = svg('path', { class: 'graph-area' });
  const line = svg('path', { class: 'graph-line', 'vector-effect': 'non-scaling-stroke' });
  const picture = svg('svg', { class: 'graph', viewBox: `0 0 ${W} ${H}`, preserveAspectRatio: 'none', role: 'img', 'aria-label': tr`Rate of the line over the last readings` },
    svg('path', { class: 'graph-base', d: `M0 ${H - 0.5}H${W}`, 'vector-effect': 'non-scaling-stroke' }), area, line);
  const most = h('span', { class: 'muted small' });
  const rows = h('tbody', {});
  const table = h('details', { class: 'details', onToggle: () => update() }, h('summary', {}, tr`Readings`), h('div', { class: 'scroll' },
    h('table', { class: 'table' }, h('thead', {}, h('tr', {}, h('th', {}, tr`Time`), h('th', {}, tr`Rate`))), rows)));
  function update() {
    const list = store.line.slice(-SHOWN);
    const top = Math.max(1, ...list.map((r) => r.bytesPerSecond ?? 0));
    const x = (i) => W - ((list.length - 1 - i) / (SHOWN - 1)) * W;
    const y = (v) => H - 2 - ((v ?? 0) / top) * (H - 8);
    const points = list.map((r, i) => `${x(i).toFixed(1)} ${y(r.bytesPerSecond).toFixed(1)}`);
    line.setAttribute('d', points.length > 1 ? `M${points.join('L')}` : '');
    area.setAttribute('d', points.length > 1 ? `M${x(0).toFixed(1)} ${H}L${points.join('L')}L${W} ${H}Z` : '');
    most.textContent = list.some((r) => r.bytesPerSecond) ? tr`Highest ${lineRate(top)}` : tr`Nothing is being sent.`;
    if (table.open) fill(rows, list.slice(-30).reverse().map((r) => h('tr', {}, h('td', {}, clockSeconds(r.at)), h('td', {}, lineRate(r.bytesPerSecond)))));
  }
  update();
  return { el: h('div', { class: 'graph-box' }, picture, most, table), update };
}
