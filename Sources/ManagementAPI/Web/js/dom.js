// Small helpers that make elements. No markup is ever made from strings, so nothing the box sends can become markup.

const PROPERTIES = new Set(['value', 'checked', 'disabled', 'hidden', 'muted', 'controls', 'playsInline', 'open', 'selected', 'indeterminate']);

export function h(tag, props, ...kids) {
  const el = document.createElement(tag);
  let value;
  for (const [key, v] of Object.entries(props ?? {})) {
    if (v === undefined || v === null || (v === false && !PROPERTIES.has(key))) continue;
    if (key === 'value') value = v;
    else if (key === 'style') for (const [name, x] of Object.entries(v)) el.style.setProperty(name, x);
    else if (key.startsWith('on')) el.addEventListener(key.slice(2).toLowerCase(), v);
    else if (PROPERTIES.has(key)) el[key] = v;
    else el.setAttribute(key, v === true ? '' : v);
  }
  add(el, kids);
  if (value !== undefined) el.value = value;
  return el;
}

export function add(el, kids) {
  for (const kid of kids.flat(3)) {
    if (kid === null || kid === undefined || kid === false || kid === '') continue;
    el.append(kid instanceof Node ? kid : document.createTextNode(String(kid)));
  }
  return el;
}

/** Replaces what an element holds. */
export function fill(el, ...kids) {
  el.replaceChildren();
  return add(el, kids);
}

/** Sets text only when it changed, so that live regions speak only of changes. */
export function say(el, text) {
  const next = text ?? '';
  if (el.textContent !== next) el.textContent = next;
}

const SVG = 'http://www.w3.org/2000/svg';

export function svg(tag, attributes = {}, ...kids) {
  const el = document.createElementNS(SVG, tag);
  for (const [k, v] of Object.entries(attributes)) el.setAttribute(k, v);
  return add(el, kids);
}

export function icon(name, label) {
  const el = svg('svg', { class: 'icon', viewBox: '0 0 24 24', focusable: 'false' }, svg('use', { href: `#i-${name}` }));
  if (label) {
    el.setAttribute('role', 'img');
    el.setAttribute('aria-label', label);
  } else el.setAttribute('aria-hidden', 'true');
  return el;
}

let serial = 0;
export const uid = (prefix = 'u') => `${prefix}-${++serial}`;

/** Calls fn once after the calls have been quiet for `ms`, at the latest after `max`. */
export function settle(fn, ms, max = ms * 4) {
  let timer = null;
  let first = 0;
  return () => {
    const now = Date.now();
    if (timer === null) first = now;
    clearTimeout(timer);
    timer = setTimeout(() => { timer = null; fn(); }, Math.max(0, Math.min(ms, first + max - now)));
  };
}
