// Numbers with the units people use, and times in the site's time zone.
import { locale, plural, tr } from './language.js';
import { store } from './store.js';

const number = (n, digits) => n.toLocaleString(locale, { maximumFractionDigits: digits });
const digitsFor = (n) => (n >= 100 ? 0 : n >= 10 ? 1 : 2);
const scaled = (n, units, step = 1000) => {
  let i = 0;
  while (n >= step * 0.9995 && i < units.length - 1) { n /= step; i += 1; }
  return `${number(n, i === 0 ? 0 : digitsFor(n))}\u00a0${units[i]}`;
};

/** "2 cameras", or a sentence that has {0} for the number. */
export const count = (n, one, many = `${one}s`) => plural(n, number(n, 0), one, many);
/** What linked cameras take of what the box can carry. */
export const budgetWords = (b) => tr`${number(b.usedMegapixels, 1)} of the ${number(b.megapixels, 1)} megapixels that the box can carry`;
/** With all its digits, so that what changes often does not jump: 0.30 */
export const exactly = (n, digits) => n.toLocaleString(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits });
export const plain = (n, digits = 1) => number(n, digits);
export const bytes = (n) => (n === null || n === undefined ? tr`not known` : scaled(n, [tr`bytes`, 'kB', 'MB', 'GB', 'TB']));
export const bitRate = (n) => (n ? scaled(n, ['bit/s', 'kbit/s', 'Mbit/s', 'Gbit/s']) : tr`not known`);
export const lineRate = (bytesPerSecond) => (bytesPerSecond === null || bytesPerSecond === undefined ? tr`idle` : bytesPerSecond === 0 ? '0 Mbit/s' : bitRate(bytesPerSecond * 8));
export const percent = (fraction) => tr`${Math.round(fraction * 100)} %`;
export const picture = (width, height) => (width && height ? `${width} × ${height}` : tr`not known`);
export const frames = (n) => (n ? tr`${number(n, 1)} frames/s` : tr`not known`);

/** 42 s, 3 min 05 s, 2 h 10 min, 3 days 4 h */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return tr`not known`;
  if (seconds < 60) return `${number(seconds, seconds < 10 ? 1 : 0)} s`;
  const s = Math.round(seconds);
  if (s < 3600) return `${Math.floor(s / 60)} min${s % 60 ? ` ${String(s % 60).padStart(2, '0')} s` : ''}`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  return `${count(Math.floor(s / 86400), 'day')} ${Math.floor((s % 86400) / 3600)} h`;
}

/** about 2 minutes */
export function roughly(seconds) {
  if (seconds < 50) return tr`less than a minute`;
  if (seconds < 3000) return tr`about ${count(Math.max(1, Math.round(seconds / 60)), 'minute')}`;
  if (seconds < 129600) return tr`about ${count(Math.max(1, Math.round(seconds / 3600)), 'hour')}`;
  return tr`about ${count(Math.round(seconds / 86400), 'day')}`;
}

const zone = () => store.system?.site?.timeZone || undefined;
const made = new Map();
function formatter(options, timeZone = zone(), language = locale) {
  const key = JSON.stringify([options, timeZone, language]);
  if (!made.has(key)) {
    let f;
    try { f = new Intl.DateTimeFormat(language, { ...options, timeZone }); } catch { f = new Intl.DateTimeFormat(language, options); }
    made.set(key, f);
  }
  return made.get(key);
}

export const clock = (t) => formatter({ hour: '2-digit', minute: '2-digit' }).format(new Date(t));
export const clockSeconds = (t) => formatter({ hour: '2-digit', minute: '2-digit', second: '2-digit' }).format(new Date(t));
/** 19/11/2026 in every language: not for people. */
export const dayKey = (t) => formatter({ year: 'numeric', month: '2-digit', day: '2-digit' }, zone(), 'en-GB').format(new Date(t));

function daysAgo(t) {
  const now = Date.now();
  for (let i = 0; i < 2; i += 1) if (dayKey(t) === dayKey(now - i * 86400000)) return i;
  return -1;
}

/** As it begins a line: not all languages write days and months with a capital. */
export const capital = (text) => text.charAt(0).toLocaleUpperCase(locale) + text.slice(1);

/** Today, Yesterday, Thursday 19 November */
export function dayName(t) {
  const ago = daysAgo(t);
  if (ago === 0) return tr`Today`;
  if (ago === 1) return tr`Yesterday`;
  return capital(formatter({ weekday: 'long', day: 'numeric', month: 'long' }).format(new Date(t)).replace(',', ''));
}

/** today 14:02, yesterday 14:02, 19 Nov 14:02 */
export function when(t) {
  const ago = daysAgo(t);
  const day = ago === 0 ? tr`today` : ago === 1 ? tr`yesterday` : formatter({ day: 'numeric', month: 'short' }).format(new Date(t));
  return `${day} ${clock(t)}`;
}

/** Saturday 21 November 2026, 14:02:10, Zurich time (the zone only where the viewer's differs) */
export function full(t) {
  const day = formatter({ weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' }).format(new Date(t)).replace(',', '');
  return `${day}, ${clockSeconds(t)}${zoneDiffers(t) ? `, ${zoneName()}` : ''}`;
}

/** Cities that not all languages call alike. */
const CITIES = { Athens: tr`Athens`, Berlin: tr`Berlin`, Lisbon: tr`Lisbon`, London: tr`London`, 'New York': tr`New York`, Paris: tr`Paris`, Rome: tr`Rome`, Vienna: tr`Vienna`, Zurich: tr`Zurich` };
const city = (name) => { const last = name.split('/').pop().replaceAll('_', ' '); return CITIES[last] ?? last; };
export const zoneName = (name = zone()) => (name === 'UTC' ? tr`UTC time` : name ? tr`${city(name)} time` : '');

export function zoneDiffers(t = Date.now()) {
  const z = zone();
  if (!z) return false;
  const wall = { year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric' };
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return formatter(wall, z).format(new Date(t)) !== formatter(wall, here).format(new Date(t));
}

/** M T W T F S S */
export const DAY_LETTERS = Array.from({ length: 7 }, (_, day) => new Intl.DateTimeFormat(locale, { weekday: 'narrow', timeZone: 'UTC' }).format(Date.UTC(2026, 5, 1 + day))); // a Monday

const list = new Intl.ListFormat(locale, { type: 'conjunction' });
/** SADP, ONVIF and its open ports */
export const together = (words) => list.format(words);

/** The month now at the site, as 2026-11, and its name. */
export const monthNow = () => formatter({ year: 'numeric', month: '2-digit' }, zone(), 'en-GB').format(new Date()).split('/').reverse().join('-');
export const monthName = (month) => new Intl.DateTimeFormat(locale, { month: 'long', year: 'numeric', timeZone: 'UTC' }).format(new Date(`${month}-01T00:00:00Z`));

/** Milliseconds that the site's clock is ahead of UTC at an instant. */
export function zoneOffset(at) {
  const parts = Object.fromEntries(formatter({ year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric', hourCycle: 'h23' }, zone(), 'en-GB').formatToParts(new Date(at)).map((p) => [p.type, Number(p.value)]));
  return Date.UTC(parts.year, parts.month - 1, parts.day, parts.hour, parts.minute, parts.second) - Math.floor(at / 1000) * 1000;
}

/** The instant at which the site's clock shows what UTC shows at `wanted`. */
function instant(wanted) {
  let at = wanted;
  for (let i = 0; i < 2; i += 1) at = wanted - zoneOffset(at); // twice: the zone's offset may change between the first guess and the instant
  return new Date(at).toISOString();
}

/** The instant at which the site's clock shows this hour of this day, as ISO text. */
export function zoned(month, day, hour) {
  const [y, m] = month.split('-').map(Number);
  return instant(Date.UTC(y, m - 1, day, hour));
}

/** A moment by the site's clock, as fields for date and time have it (2026-11-27T08:15:04), and back. */
export const siteClock = (t) => new Date(new Date(t).getTime() + zoneOffset(new Date(t).getTime())).toISOString().slice(0, 19);
export const fromSiteClock = (text) => instant(Date.parse(`${text}Z`));
