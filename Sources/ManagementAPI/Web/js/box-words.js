// What the box says comes in English and is shown in the page's language: languages/box-it.json has the Italian of "The device's answer lacks {0}.".
// A text is looked up whole, or sentence after sentence; what is put in is looked up, too, and what is not known stays as it came.
import { language, sentences } from './language.js';

const dictionary = language === 'en' ? null : await sentences(`box-${language}`);
const LONGEST = 2000; // the box says nothing longer
const MOST_PIECES = 24;
const DEEPEST = 3; // a sentence in a sentence in a sentence
const MOST_LOOKS = 4000; // of one text: nobody's words may keep the page busy
const KEPT = 500;
// Where a single word that is put in is the box's own; elsewhere it may be what somebody calls a camera.
const OWN_WORDS = /^(There is no such|The device cannot do that|The device's clock|The storage's clock|In the|No \{0\} storage|\{0\} of the keys|\{0\} cannot be|\{0\} has an owner|The box converts|until )/;

const exact = new Map();
const byWord = new Map(); // templates by their first word, those that say most first
const open = []; // templates that begin with what is put in
const kept = new Map(); // what was looked up last
const asSaid = new Map();
let looks = 0;
let found = new Map(); // in the text that is looked up

function compile() {
  for (const [key, words] of Object.entries(dictionary)) {
    const text = key.trim();
    const parts = text.split(/\{\d+\}/);
    if (parts.length === 1) { exact.set(text, words.trim()); continue; }
    const word = /^(\S+) /.exec(parts[0])?.[1];
    if (word && !byWord.has(word)) byWord.set(word, []);
    (word ? byWord.get(word) : open).push({ parts, words: words.trim(), says: parts.join('').length, isWeak: parts.join('').replace(/\P{L}/gu, '').length < 5, hasOwnWords: OWN_WORDS.test(text) });
  }
  for (const list of [open, ...byWord.values()]) list.sort((a, b) => b.says - a.says);
}

/** What is put into a template, as little as can be for the first ones, or for the last ones; null where the text is another one. */
function values(parts, text, lastFirst) {
  const [head, tail] = [parts[0], parts[parts.length - 1]];
  if (text.length < head.length + tail.length || !text.startsWith(head) || !text.endsWith(tail)) return null;
  let rest = text.slice(head.length, text.length - tail.length);
  const found = [];
  const between = parts.slice(1, -1);
  for (const part of lastFirst ? between.reverse() : between) {
    // Of two that are side by side, the second begins with a blank or a comma of its own.
    let at = lastFirst ? rest.lastIndexOf(part) : part ? rest.indexOf(part) : rest.search(/[ ,]/);
    if (at < 0 && part) return null;
    if (at < 0) at = rest.length;
    found.push(lastFirst ? rest.slice(at + part.length) : rest.slice(0, at));
    rest = lastFirst ? rest.slice(0, at) : rest.slice(at + part.length);
  }
  found.push(rest);
  return lastFirst ? found.reverse() : found;
}

/** {text, known: how many of its characters were} of a text that is one sentence or one value; null where it is none. */
function whole(text, depth, isWord) {
  const said = text.trim();
  const key = `${depth}${isWord ? 'w' : ''} ${said}`;
  if (!found.has(key)) found.set(key, ++looks > MOST_LOOKS ? null : wholly(said, depth, isWord));
  const one = found.get(key);
  return one && { text: text.replace(said, () => one.text), known: one.known };
}

function wholly(said, depth, isWord) {
  if (exact.has(said) && (isWord || said.includes(' '))) return { text: exact.get(said), known: said.length };
  const date = /^(\d{1,2}) ([A-Z][a-z]+) (\d{4})$/.exec(said);
  if (date && exact.has(date[2])) return { text: `${date[1]} ${exact.get(date[2])} ${date[3]}`, known: said.length };
  if (!said.includes(' ')) return null;
  const best = depth < DEEPEST ? patterned(said, depth) : null;
  if (best || !/[.:]$/.test(said)) return best;
  const value = whole(said.slice(0, -1), depth, isWord); // a value that ends a sentence
  return value && { text: value.text + said.slice(-1), known: value.known };
}

/** Few letters prove nothing, unless they stand by numbers, begin like what is put in, or most of what they join is known. */
const isProven = ({ parts }, depth, given, put) => given.every((one) => /^\S*\d\S*$/.test(one)) || (depth > 0 && /^[ ,]/.test(parts[0])) || put.filter((one) => one.known > 0).length > 1;

/** By the template that explains most of it. */
function patterned(said, depth) {
  let best = null;
  let tried = 0;
  for (const template of [...(byWord.get(/^\S+/.exec(said)[0]) ?? []), ...open]) {
    const first = values(template.parts, said, false);
    if (!first) continue;
    const last = template.parts.length > 2 && !template.parts.slice(1, -1).includes('') ? values(template.parts, said, true) : first;
    for (const given of String(last) === String(first) ? [first] : [first, last]) {
      const put = given.map((one) => look(one, depth + 1, template.hasOwnWords));
      const known = put.reduce((sum, one) => sum + one.known, 0);
      if (template.isWeak && !isProven(template, depth, given, put)) continue;
      if (template.says + known <= (best?.known ?? 0)) continue;
      best = { text: template.words.replace(/\{(\d+)\}/g, (_, i) => put[i]?.text ?? ''), known: template.says + known };
    }
    tried += 1;
    if (tried === 6) break;
  }
  return best;
}

/** Where a sentence, or a part of one that the box adds, may begin. */
function beginnings(text) {
  const at = (pattern, by) => [...text.matchAll(pattern)].map((match) => match.index + by);
  const ends = at(/[.…?!:] /g, 1);
  const all = [...new Set([...ends, ...at(/[,.] /g, 0), ...at(/, and /g, 5), ...at(/, then /g, 6), ...at(/ (?:at|with|without) /g, 0)])].filter((one) => one > 0).sort((a, b) => a - b);
  return all.length <= MOST_PIECES ? all : ends.length <= MOST_PIECES ? ends : [];
}

/** {text, known} of a text: what is best known of it, whole or in pieces. */
function look(text, depth, isWord = false) {
  if (!/\p{L}{2}/u.test(text)) return { text, known: 0 };
  const one = whole(text, depth, isWord);
  const begins = [0, ...beginnings(text), text.length];
  if (begins.length === 2 || one?.known >= text.trim().length) return one ?? { text, known: 0 };
  let best = { text: '', known: 0 };
  const from = new Map([[begins.length - 1, best]]);
  for (let i = begins.length - 2; i >= 0; i -= 1) {
    best = { text: text.slice(begins[i], begins[i + 1]) + from.get(i + 1).text, known: from.get(i + 1).known };
    for (let j = i + 1; j < begins.length; j += 1) {
      const piece = i === 0 && j === begins.length - 1 ? one : whole(text.slice(begins[i], begins[j]), depth, isWord);
      if (piece && piece.known + from.get(j).known > best.known) best = { text: piece.text + from.get(j).text, known: piece.known + from.get(j).known };
    }
    from.set(i, best);
  }
  return one && one.known >= best.known ? one : best;
}

/** What the box says, in the page's language: text, never HTML. */
export function boxWords(text) {
  if (!dictionary || typeof text !== 'string' || text.length > LONGEST || !text.includes(' ')) return text;
  if (exact.size === 0) compile();
  if (!kept.has(text)) {
    if (kept.size >= KEPT) kept.clear();
    looks = 0;
    found = new Map();
    kept.set(text, look(text, 0).text);
  }
  return kept.get(text);
}

/** A whole sentence of the box, with nothing put in; whatever else as it came. */
function sentenceOf(text) {
  if (exact.size === 0) compile();
  return exact.get(text) ?? text;
}

/** A remark as the box said it. */
export const boxSaid = (text) => asSaid.get(text) ?? text;

// The fields that the API describes as sentences of the box. What people typed has other names, but for the two below.
const SENTENCES = new Set(['sentence', 'obstacle', 'stateSentence', 'reason', 'wayReason', 'driverReason', 'lastError', 'upgradeFailure', 'trouble', 'note', 'remark', 'failure', 'outcome', 'recommendation']);
const LISTS = new Set(['remarks', 'warnings', 'sentences']); // remarks of people are no lists

function remark(text) {
  const words = boxWords(text);
  if (words !== text) asSaid.set(words, text);
  return words;
}

/** An answer of the box with its sentences in the page's language. */
export function translated(value) {
  if (!dictionary || typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    value.forEach(translated);
    return value;
  }
  const isTyped = 'requestedBy' in value; // a request to unbind: its reason is somebody's, or one of the box's whole sentences
  const isNotice = 'readAt' in value; // in the reader's language already
  for (const [key, held] of Object.entries(value)) {
    if (typeof held === 'string') {
      if (SENTENCES.has(key) && !isNotice) value[key] = isTyped ? sentenceOf(held) : boxWords(held);
    } else if (LISTS.has(key) && Array.isArray(held)) value[key] = held.map((one) => (typeof one === 'string' ? remark(one) : translated(one)));
    else translated(held);
  }
  return value;
}
