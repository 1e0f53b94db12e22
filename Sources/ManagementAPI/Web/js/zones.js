// Time zones to choose from, by region.
import { h } from './dom.js';

/** Browsers still give some zones by names that are no longer theirs. */
const PRESENT = {
  'Africa/Asmera': 'Africa/Asmara', 'America/Buenos_Aires': 'America/Argentina/Buenos_Aires', 'America/Catamarca': 'America/Argentina/Catamarca',
  'America/Coral_Harbour': 'America/Atikokan', 'America/Cordoba': 'America/Argentina/Cordoba', 'America/Godthab': 'America/Nuuk',
  'America/Indianapolis': 'America/Indiana/Indianapolis', 'America/Jujuy': 'America/Argentina/Jujuy', 'America/Louisville': 'America/Kentucky/Louisville',
  'America/Mendoza': 'America/Argentina/Mendoza', 'Asia/Calcutta': 'Asia/Kolkata', 'Asia/Katmandu': 'Asia/Kathmandu', 'Asia/Rangoon': 'Asia/Yangon',
  'Asia/Saigon': 'Asia/Ho_Chi_Minh', 'Atlantic/Faeroe': 'Atlantic/Faroe', 'Europe/Kiev': 'Europe/Kyiv', 'Pacific/Enderbury': 'Pacific/Kanton',
  'Pacific/Ponape': 'Pacific/Pohnpei', 'Pacific/Truk': 'Pacific/Chuuk',
};
export const present = (name) => PRESENT[name] ?? name;

export function zones() {
  const here = present(Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC');
  const all = Intl.supportedValuesOf ? Intl.supportedValuesOf('timeZone').map(present) : [];
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
