// What came out when a device was tried: its steps, what to look at, and what its streams really were.
import { h } from './dom.js';
import { plain } from './format.js';
import { tr } from './language.js';
import { sentence, steps } from './parts.js';
import { streamsTable } from './test-panel.js';
import { DEVICE_STEPS } from './words.js';

/** Remarks and recommendation. */
export const remarks = (report) => [
  report.mended && sentence('ok', report.mended),
  (report.remarks ?? []).map((r) => sentence('attention', r)),
  report.recommendation && sentence('off', report.recommendation),
];

export function findings(report) {
  const many = report.captures.length > 1;
  return h('div', { class: 'findings' }, remarks(report), steps(DEVICE_STEPS, report.steps),
    report.captures.map((c) => h('div', { 'data-testid': 'capture' }, h('h3', {}, many ? tr`Channel ${c.channel}` : tr`What its streams really were`, h('span', { class: 'muted small' }, tr`, watched for ${plain(c.seconds, 0)} s`)),
      c.trouble && sentence('attention', c.trouble), c.streams.length > 0 && streamsTable(c.streams))));
}
