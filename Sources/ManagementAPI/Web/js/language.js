// The page's language: each person's own choice, or what their browser asks for. Sentences are written in English where they are said, tr`Share with ${name}`;
// languages/it.json has the Italian of "Share with {0}". What people and devices call things is never translated; what the box says, box-words.js does.
export const LANGUAGES = [['en', 'English'], ['it', 'Italiano']];
const KEPT = 'gatehouse.language';
const known = (code) => LANGUAGES.some(([one]) => one === code);

function wanted() {
  let kept = null;
  try { kept = localStorage.getItem(KEPT); } catch { /* then the browser's language it is */ }
  return known(kept) ? kept : (navigator.languages ?? []).map((one) => one.slice(0, 2).toLowerCase()).find(known) ?? 'en';
}

/** The sentences of a dictionary; null where they cannot be had: an English page is better than none. */
export async function sentences(code) {
  try {
    const answer = await fetch(`/languages/${code}.json`, { cache: 'no-cache' });
    return answer.ok ? await answer.json() : null;
  } catch { return null; }
}

const wish = wanted();
// Whatever imports this waits for it, so that words at the top of a module are in the right language, too.
const dictionary = wish === 'en' ? null : await sentences(wish);
export const language = dictionary ? wish : 'en';
/** For Intl. */
export const locale = language === 'en' ? 'en-GB' : language;
document.documentElement.lang = locale;

/** Takes another language: the page is loaded anew. */
export function speak(code) {
  try { localStorage.setItem(KEPT, code); } catch { /* it is forgotten with this page */ }
  location.reload();
}

const insert = (text, values) => text.replace(/\{(\d+)\}/g, (whole, i) => (i < values.length ? String(values[i]) : whole));

/** A sentence in the page's language. What follows a | tells translators which of several meanings it has, and is not said: tr`Open|a door`. */
export function tr(parts, ...values) {
  const key = parts.reduce((all, part, i) => `${all}{${i - 1}}${part}`);
  return insert(dictionary?.[key] ?? key.replace(/\|.*$/, ''), values);
}

const rules = new Intl.PluralRules(locale);
const whole = (words) => (words.includes('{0}') ? words : `{0} ${words}`);

/** "1 camera" or "2 cameras", or a sentence with {0}. The dictionary has the forms that its language tells apart under that of many. */
export function plural(n, shown, one, many) {
  const forms = dictionary?.[whole(many)];
  return insert(forms ? forms[rules.select(n)] ?? forms.other : whole(n === 1 ? one : many), [shown]);
}
