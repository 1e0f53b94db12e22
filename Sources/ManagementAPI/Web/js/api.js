// The box's HTTP API. Every failure becomes a Problem: a sentence a person can act on, and details for support.
import { boxWords, translated } from './box-words.js';
import { tr } from './language.js';

const BASE = '/api/v1';

export class Problem extends Error {
  constructor({ slug, status = 0, title = '', detail, errors = [], retryAfter = null, where = '' }) {
    super(detail);
    Object.assign(this, { slug, status, title, detail, errors, retryAfter, where });
  }

  /** What support wants to see. */
  get details() {
    return [`${this.where}`, `status ${this.status || 'none'}, ${this.slug}`, this.title, new Date().toISOString()].filter(Boolean).join('\n');
  }
}

let session = new AbortController();
/** Who signs out waits for no answer any more: what is still asked is given up. */
export function giveUp() {
  session.abort();
  session = new AbortController();
}

let signedOut = () => {};
/** What to do when the box no longer knows who we are. */
export function whenSignedOut(fn) { signedOut = fn; }

const NO_ANSWER = tr`The box does not answer. Check that this phone or computer is on the same network as the box, then try again.`;
const UNEXPECTED = tr`Something happened in the box that it did not expect. Try again; if it happens again, copy the details for support.`;

/** The box was not reached. */
export const noConnection = (error, where) => new Problem({ slug: 'no-connection', title: String(error.message), detail: NO_ANSWER, where });

/** What an answer that is none says. */
export async function problemOf(response, where) {
  let body = {};
  if ((response.headers.get('content-type') ?? '').includes('json')) body = await response.json().catch(() => ({}));
  const slug = String(body.type ?? '').split('/').pop() || `status-${response.status}`;
  const known = typeof body.detail === 'string' && body.detail && response.status !== 500;
  return new Problem({
    slug,
    status: response.status,
    title: [body.title, response.status === 500 ? body.detail : ''].filter(Boolean).join(': '),
    detail: known ? boxWords(body.detail) : UNEXPECTED,
    errors: Array.isArray(body.errors) ? body.errors.map((one) => ({ ...one, detail: boxWords(one.detail) })) : [],
    retryAfter: Number(response.headers.get('retry-after')) || null,
    where,
  });
}

/** What is sent as it is, and not as JSON; a picture says what it is. */
const isRaw = (body) => body instanceof Uint8Array || body instanceof Blob;

async function call(method, path, body, { gate = true, signal = gate ? session.signal : undefined, isFile = false } = {}) {
  const where = `${method} ${BASE}${path}`;
  let response;
  try {
    response = await fetch(BASE + path, {
      method,
      signal,
      credentials: 'same-origin',
      cache: 'no-store',
      headers: body === undefined ? { accept: 'application/json' } : { accept: 'application/json', 'content-type': isRaw(body) ? body.type || 'application/octet-stream' : 'application/json' },
      body: body === undefined || isRaw(body) ? body : JSON.stringify(body),
    });
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw noConnection(error, where);
  }
  if (response.ok) {
    if (response.status === 204) return null;
    try {
      return await (isFile ? response.blob() : response.json().then(translated));
    } catch {
      throw new Problem({ slug: 'not-json', status: response.status, detail: UNEXPECTED, where });
    }
  }
  const problem = await problemOf(response, where);
  if (response.status === 401 && gate) signedOut();
  throw problem;
}

export const api = {
  get: (path, options) => call('GET', path, undefined, options),
  post: (path, body, options) => call('POST', path, body, options),
  bytes: (path, bytes, options) => call('POST', path, bytes, options),
  /** Posts, and gets a file. */
  file: (path, body, options) => call('POST', path, body, { ...options, isFile: true }),
  put: (path, body, options) => call('PUT', path, body, options),
  patch: (path, body, options) => call('PATCH', path, body, options),
  delete: (path, { body, ...options } = {}) => call('DELETE', path, body, options),
};

/** "?a=1&b=2" of what has a value. */
export function query(values) {
  const q = new URLSearchParams(Object.entries(values).filter(([, v]) => v !== null && v !== undefined && v !== ''));
  const text = q.toString();
  return text ? `?${text}` : '';
}

export const seg = encodeURIComponent;
