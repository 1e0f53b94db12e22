// Time zones to choose from, by region.
import { h } from './dom.js';

export function zones() {
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';
  const all = Intl.supportedValuesOf ? Intl.supportedValuesOf('timeZone') : [];
  return { here, all: [...new Set([here, 'UTC', ...all])].sort() };
}

export function zoneOptions(all) {
  const groups = new Map();
  for (const z of all) {
    const region = z.includes('/') ? z.split('/')[0] : 'Other';
    if (!groups.has(region)) groups.set(region, []);
    groups.get(region).push(z);
  }
  return [...groups].map(([region, list]) => h('optgroup', { label: region },
    list.map((z) => h('option', { value: z }, z.replaceAll('_', ' ').replace(/^[^/]+\//, '').replaceAll('/', ', ')))));
}
