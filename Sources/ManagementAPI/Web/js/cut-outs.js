// Footage that was cut out: how far each is, its files, and what speaks for them.
import { api, seg } from './api.js';
import { ask, toast } from './dialog.js';
import { cutOut } from './cut-out.js';
import { fill, h, icon } from './dom.js';
import { bytes, clockSeconds, dayName, percent, when, zoneDiffers, zoneName } from './format.js';
import { tr } from './language.js';
import { bar, button, empty, facts, head, link, sentence } from './parts.js';
import { title } from './navigate.js';

const SOURCES = { cloud: tr`from the cloud`, box: tr`from the box`, device: tr`from the camera` };

const name = (x) => x.channels.map((c) => c.name).join(', ');

function evidence(piece) {
  if (!piece.evidence) return h('span', { class: 'muted small' }, piece.source === 'device' ? tr`The camera’s own recording; the signed record does not speak of it.` : '');
  return h('span', { class: 'row top small' }, icon(piece.evidence.isVerified ? 'shield' : 'clock'), h('span', { class: piece.evidence.isVerified ? '' : 'muted' }, piece.evidence.sentence));
}

function file(f) {
  const get = link(f.url, 'button small', icon('download'), h('span', {}, tr`Download`));
  get.setAttribute('download', '');
  get.dataset.testid = 'cut-download';
  const isArchive = f.contentType === 'application/zip';
  return h('li', { 'data-testid': 'cut-file', class: 'stack' },
    h('div', { class: 'row between' }, h('span', {}, h('span', { class: 'strong' }, isArchive ? tr`All as a ZIP file, with the note` : f.name), h('span', { class: 'muted small block-line' }, bytes(f.sizeBytes))), get),
    f.pieces.map((p) => h('div', {}, h('span', { class: 'small' }, tr`${clockSeconds(p.from)} to ${clockSeconds(p.to)}, ${SOURCES[p.source] ?? p.source}`), h('div', {}, evidence(p)))),
    h('details', { class: 'details' }, h('summary', {}, 'SHA-256'), h('code', {}, f.sha256)));
}

function one(x) {
  const moving = x.state === 'waiting' || x.state === 'working';
  return h('section', { class: 'card', 'data-testid': 'cut', 'data-state': x.state, id: x.id },
    h('h2', {}, name(x)), h('p', { class: 'muted' }, tr`${dayName(x.from)}, ${clockSeconds(x.from)} to ${clockSeconds(x.to)}${zoneDiffers(x.from) ? `, ${zoneName()}` : ''}${x.exact ? tr`, cut to the moment` : ''}`),
    moving && h('div', {}, bar(x.progress, tr`Progress`), h('p', { class: 'muted small' }, x.state === 'waiting' ? tr`Waits for its turn.` : percent(x.progress))),
    x.sentence && sentence(x.state === 'failed' ? 'trouble' : 'attention', x.sentence),
    x.files.length > 0 && h('ul', { class: 'plain-list' }, x.files.map(file)),
    facts([[tr`Asked for by`, x.person], [tr`Asked for`, when(x.createdAt)], !moving && [tr`Kept until`, when(x.expiresAt)]]),
    h('div', { class: 'actions' }, button(moving ? tr`Stop` : tr`Remove`, { look: 'small', iconName: 'trash', testid: 'cut-remove', async onClick() {
      if (!moving && !(await ask({ title: tr`Remove this cut-out?`, text: tr`Its files are deleted from the box. The footage in the cloud and on the cameras stays.`, action: tr`Remove` }))) return;
      await api.delete(`/exports/${seg(x.id)}`);
      toast(tr`Removed.`);
      reload();
    } })));
}

let reload = () => {};

export async function cutOutsPage({ root, params: [wanted], on, skeleton }) {
  title(tr`Cut-outs`);
  skeleton();
  const list = h('div', { class: 'stack' });
  const known = new Map();
  const ask = () => cutOut({ from: new Date(Date.now() - 600000), to: new Date() });
  function draw() {
    const all = [...known.values()].sort((a, b) => (a.id < b.id ? 1 : -1));
    fill(list, all.length ? all.map(one) : empty({ iconName: 'download', title: tr`Nothing cut out`, text: tr`Cut a time out of the footage of up to four cameras: as files to keep or to hand on, with a note that says what they are.`, action: button(tr`Cut out footage`, { look: 'primary', onClick: ask }) }));
  }
  reload = async () => {
    const { items } = await api.get('/exports');
    known.clear();
    for (const x of items) known.set(x.id, x);
    draw();
  };
  await reload();
  fill(root, head([link('#/events', 'back', icon('back'), tr`Events`), h('h1', { tabindex: -1 }, tr`Cut-outs`)], button(tr`Cut out`, { iconName: 'plus', testid: 'cut-new', onClick: ask })), h('div', { class: 'narrow' }, list));
  document.getElementById(wanted)?.scrollIntoView?.();
  on('export', (x) => { known.set(x.id, x); draw(); });
  on('connection', (since) => { if (!since) reload().catch(() => {}); });
}
