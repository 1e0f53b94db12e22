// Time zones to choose from, by region.
import { h } from './dom.js';
import { tr } from './language.js';

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

const REGIONS = { Africa: tr`Africa`, America: tr`America`, Antarctica: tr`Antarctica`, Arctic: tr`Arctic`, Asia: tr`Asia`, Atlantic: tr`Atlantic`, Australia: tr`Australia`, Europe: tr`Europe`, Indian: tr`Indian Ocean`, Pacific: tr`Pacific` };

export function zoneOptions(all) {
  const groups = new Map();
  for (const z of all) {
    const region = z.includes('/') ? z.split('/')[0] : '';
    if (!groups.has(region)) groups.set(region, []);
    groups.get(region).push(z);
  }
  return [...groups].map(([region, list]) => h('optgroup', { label: REGIONS[region] ?? (region || tr`Other`) },
    list.map((z) => h('option', { value: z }, z.replaceAll('_', ' ').replace(/^[^/]+\//, '').replaceAll('/', ', ')))));
}
