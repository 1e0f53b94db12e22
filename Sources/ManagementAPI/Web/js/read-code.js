// Reading a QR code of a device or a site: photographed or from a picture, opened with its password where it has one.
import { api } from './api.js';
import { toast } from './dialog.js';
import { fill, h } from './dom.js';
import { bind, field, wrong } from './form.js';
import { tr } from './language.js';
import { go } from './navigate.js';
import { button, details, fileButton, problemBox, sentence } from './parts.js';
import { shrunk } from './photo.js';
import { store } from './store.js';

/** Buttons that read a code; `taken(answer)` hears what it says. The element is filled with what goes wrong, and with the field for the password. */
export function codeReader({ testid, taken }) {
  const said = h('div', { role: 'status', 'data-testid': `${testid}-said` });
  const place = h('div', {});
  let latest = 0; // of two pictures the second one counts
  async function read(file) {
    const mine = ++latest;
    fill(place);
    fill(said, h('p', { class: 'muted' }, tr`Looking for the code…`));
    try {
      const { content } = await api.post('/codes/read', await smallPicture(file));
      if (mine === latest) await open(content);
    } catch (problem) {
      if (mine === latest) fill(said, problem.slug === 'no-code' ? sentence('attention', problem.detail) : problemBox(problem));
    }
  }
  async function open(content) {
    try { tell(await api.post('/codes/open', { content, password: null }), content); } catch (problem) {
      if (problem.slug !== 'password-needed') throw problem;
      askPassword(content);
    }
  }
  function askPassword(content) {
    fill(said, h('p', {}, tr`The code is locked.`));
    const form = passwordForm(testid, content, (answer) => tell(answer, content));
    fill(place, form);
    form.querySelector('input').focus();
  }
  function tell(answer, content) {
    fill(place);
    if (answer.kind !== 'other') { fill(said); taken(answer); return; }
    fill(said, sentence('attention', tr`This is no code of a device or a site. It says something else.`, details(content, tr`What it says`)));
    said.querySelector('details').open = true;
  }
  return h('div', { class: 'stack' }, h('div', { class: 'row wrap' },
    fileButton(tr`Photograph the code`, `${testid}-photo`, read, { accept: 'image/*', capture: 'environment', iconName: 'camera' }), fileButton(tr`Choose a picture`, `${testid}-picture`, read, { accept: 'image/*' })), said, place);
}

async function smallPicture(file) {
  try { return await shrunk(file); } catch { throw { detail: tr`This browser cannot read the picture. Take it as JPEG or PNG.`, status: 415 }; }
}

function passwordForm(testid, content, opened) {
  const password = field({ label: tr`Password of the code`, pointer: '/password', type: 'password', maxlength: 64, autocomplete: 'off', testid: `${testid}-password`, hint: tr`Whoever made the code knows it.` });
  const send = button(tr`Open`, { look: 'primary', type: 'submit', testid: `${testid}-open` });
  const form = h('form', { class: 'again', 'data-testid': `${testid}-locked` }, password.el, h('div', { class: 'actions' }, send));
  bind(form, { fields: [password], button: send, busy: tr`Opening…`, async submit() {
    if (!password.given) throw wrong(password, tr`Enter the password of the code.`);
    opened(await api.post('/codes/open', { content, password: password.given }));
  } });
  return form;
}

const LANGUAGES = { hikvision: 'isapi', isapi: 'isapi', onvif: 'onvif', rtsp: 'rtsp' };

/** What the form for an address is filled in with. */
function draftOf(device) {
  const driver = LANGUAGES[device.driver] ?? 'auto';
  const port = String(device.port ?? '');
  return { name: device.name ?? '', address: device.host, driver, https: Boolean(device.https), ...(driver === 'rtsp' ? { port, httpPort: '' } : { httpPort: port, port: '' }) };
}

/** The way of adding by a code: a device goes on to the form for its address, a site to taking it over. */
export function byCode({ draft, show }) {
  const reader = codeReader({ testid: 'read-code', taken({ kind, device, site }) {
    if (kind === 'site') { takeOver(site); return; }
    Object.assign(draft, draftOf(device));
    show('address').begin();
    toast(tr`Filled in from the code: ${[device.model, device.serialNumber].filter(Boolean).join(' ') || device.host}. Enter its user name and password.`);
  } });
  const form = h('section', { class: 'card stack', 'data-testid': 'read-code' }, h('h2', {}, tr`Read a QR code`), h('p', { class: 'muted small' }, tr`Of a device or a site, as a box makes it on their pages. With a phone the camera opens; a picture of the code does as well.`), reader);
  const guide = h('section', { class: 'card guide' }, h('h2', {}, tr`What happens`), h('ol', {},
    h('li', {}, tr`The box looks for the code in the picture and forgets the picture.`),
    h('li', {}, tr`What the code says about a device is filled in; its user name and password you enter yourself.`),
    h('li', {}, tr`With the code of a site its owner is asked to let your company look after it.`)));
  return { el: h('div', { class: 'columns' }, form, h('div', {}, guide)) };
}

/** On to asking for the site that a code names. */
function takeOver(site) {
  store.codeSite = site;
  go(`/take-over?site=${encodeURIComponent(site.id)}`);
}
