// What can be done about a device that could not be added: the form that fits the cause.
import { api } from './api.js';
import { h, say } from './dom.js';
import { bind, choice, field, toggle, wrong } from './form.js';
import { count, duration, when } from './format.js';
import { tr } from './language.js';
import { button, link, sentence } from './parts.js';
import { store } from './store.js';
import { strongPassword, weakness } from './strong-password.js';
import { unbindingOffer } from './unbinding-ask.js';

const LANGUAGES = [{ value: 'isapi', label: 'ISAPI' }, { value: 'onvif', label: 'ONVIF' }, { value: 'rtsp', label: tr`RTSP only` }];

/** `taken(item)` hears what the box answers. */
export function corrections({ item, path, taken }) {
  const { code, lockedUntil } = item.failure ?? {};
  const at = `-${item.index}`;
  const quiet = { autocomplete: 'off' };
  const user = () => field({ ...quiet, label: tr`User name`, pointer: '/userName', value: item.userName ?? 'admin', testid: `retry-user${at}` });
  const secret = () => field({ ...quiet, label: tr`Password`, pointer: '/password', type: 'password', testid: `retry-password${at}` });

  function form(label, { fields = [], els = fields.map((f) => f.el), body = () => ({}), to = 'retry', iconName = 'test', look = 'primary', testid = `retry${at}` }) {
    const submit = button(label, { look, iconName, type: 'submit', testid });
    const el = h('form', { class: els.length ? 'again' : 'again bare', 'data-testid': `correct-${code}` }, els, h('div', { class: 'actions' }, submit));
    bind(el, { fields, button: submit, busy: tr`Trying…`, async submit() { taken(await api.post(`${path}/${to}`, body())); } });
    return el;
  }

  const signIn = (label = tr`Try again`) => {
    const [u, p] = [user(), secret()];
    return form(label, { fields: [u, p], els: [h('div', { class: 'pair' }, u.el, p.el)], body() {
      if (!u.given) throw wrong(u, tr`Enter a user name.`);
      if (!p.value) throw wrong(p, tr`Enter the password.`);
      store.devicePassword ||= p.value;
      return { userName: u.given, password: p.value };
    } });
  };

  const door = () => {
    const port = field({ ...quiet, label: tr`Port of its web page`, optional: true, pointer: '/httpPort', inputmode: 'numeric', testid: `retry-port${at}`, hint: tr`Empty for the usual one.` });
    let https = null;
    const secure = toggle({ label: 'HTTPS', on: false, testid: `retry-https${at}`, act: async (next) => { https = next; } });
    return form(tr`Try again`, { fields: [port], els: [h('details', { class: 'more' }, h('summary', {}, tr`Another port`), port.el, secure.el)], body() {
      const n = Number(port.value);
      if (port.given && !(n > 0 && n < 65536)) throw wrong(port, tr`Enter a port from 1 to 65535, or leave it empty.`);
      return { ...(port.given && { httpPort: n }), ...(https !== null && { https }) };
    } });
  };

  const otherWay = (first = 'same') => {
    const url = field({ ...quiet, label: tr`RTSP URL`, pointer: '/url', inputmode: 'url', testid: `retry-url${at}`, hint: tr`Such as rtsp://${item.address}:554/stream1; its manual names it.` });
    const driver = choice({ label: tr`Language`, pointer: '/driver', value: 'isapi', testid: `retry-driver${at}`, options: LANGUAGES.slice(0, 2) });
    const way = choice({ label: tr`Try again`, value: first, testid: `retry-way${at}`, onChange: shape, options: [{ value: 'same', label: tr`As before` }, { value: 'url', label: tr`RTSP URL` }, { value: 'driver', label: tr`Language` }] });
    function shape() { url.el.hidden = way.value !== 'url'; driver.el.hidden = way.value !== 'driver'; }
    shape();
    return form(tr`Try again`, { fields: [way, url, driver], body() {
      if (way.value === 'same') return {};
      if (way.value === 'driver') return { driver: driver.value };
      if (!/^rtsps?:\/\/.+/i.test(url.value.trim())) throw wrong(url, tr`An RTSP URL begins with rtsp:// and names the camera.`);
      return { url: url.given, driver: 'rtsp' };
    } });
  };

  // Reached at all, it is the stream that does not come.
  const connecting = () => (item.report.steps.find((s) => s.name === 'reach')?.state === 'ok' ? otherWay() : door());

  const activation = () => {
    const p = strongPassword({ label: tr`First password`, testid: `activate-password${at}`, value: store.devicePassword });
    if (p.value) p.hint(weakness(p.value) ?? tr`The one that was typed for all: the eye shows it.`);
    return form(tr`Activate`, { fields: [p], iconName: 'key', to: 'activate', els: [h('p', { class: 'muted small' }, tr`The device gets this password for its user “admin”; then the box goes on with it. Write it down: without it, only a reset at the device helps.`), p.el],
      body: () => ({ password: p.checked() }) });
  };

  const ways = {
    'wrong-password': signIn,
    forbidden: signIn,
    locked: () => [lockedUntil && h('p', {}, Date.parse(lockedUntil) > Date.now()
      ? tr`Locked until ${when(lockedUntil)}, that is ${duration(Math.round((Date.parse(lockedUntil) - Date.now()) / 60000) * 60 || 60)} from now. Restarting the device unlocks it at once. Then try with the right password.`
      : tr`It was locked until ${when(lockedUntil)}; try with the right password.`), signIn()],
    'not-activated': activation,
    'certificate-changed': () => form(tr`Trust the new certificate`, { iconName: 'shield', els: [h('p', { class: 'muted small' }, tr`That is right if the device was reset, renewed its certificate, or was replaced. If none of this happened, somebody may stand between the box and the device: look at the device first.`)],
      body: () => ({ acceptCertificate: true }) }),
    insecure: () => form(tr`Allow Basic`, { iconName: 'warn', els: [sentence('attention', tr`With Basic, the password crosses the network readable for everyone on it. Better: switch Digest on in the device, or HTTPS, and try again.`)],
      body: () => ({ allowBasic: true }) }),
    unsupported: () => otherWay('url'),
    'no-video': () => otherWay(),
    unreachable: connecting,
    refused: connecting,
    silent: connecting,
    'already-added': () => (item.boundDevice ? [!store.user?.isOwner && unbindingOffer({ item, path, taken }), form(tr`Try again`, { look: 'plain' })] : item.deviceId && link(`#/device/${encodeURIComponent(item.deviceId)}`, 'button', tr`To the device`)),
  };
  const again = () => form(tr`Try again`, {});
  return h('div', { class: 'corrections' }, (ways[code] ?? again)(), code === 'insecure' && form(tr`Try again`, { look: 'plain', testid: `retry-again${at}` }));
}

/** One user name and password for all devices that refused theirs. `items()` are those; `mistyped()`: no device took it; `taken(item)` hears each answer. */
export function forAllRefused({ items, mistyped, path, taken }) {
  const words = h('h2', {});
  const tries = h('p', { class: 'muted small' });
  const user = field({ autocomplete: 'off', label: tr`User name`, pointer: '/userName', value: 'admin', testid: 'refused-user' });
  const secret = field({ autocomplete: 'off', label: tr`Password`, pointer: '/password', type: 'password', testid: 'refused-password' });
  const use = button(tr`Use for all that refused`, { look: 'primary', iconName: 'key', type: 'submit', testid: 'refused-use' });
  const el = h('form', { class: 'card', 'data-testid': 'all-refused' }, words, tries, h('div', { class: 'pair' }, user.el, secret.el), h('div', { class: 'actions' }, use));
  bind(el, { fields: [user, secret], button: use, busy: tr`Trying…`, async submit() {
    if (!user.given) throw wrong(user, tr`Enter the user name of the devices.`);
    if (!secret.value) throw wrong(secret, tr`Enter the password of the devices.`);
    const body = { userName: user.given, password: secret.value };
    if (mistyped()) { // then it must not become a first password
      for (const input of document.querySelectorAll('[data-testid^=activate-password]')) {
        if (input.value === store.devicePassword) { input.value = secret.value; input.dispatchEvent(new Event('input')); }
      }
      store.devicePassword = secret.value;
    }
    const answers = await Promise.allSettled(items().map(async (item) => taken(await api.post(`${path}/devices/${item.index}/retry`, body))));
    secret.value = '';
    const problem = answers.find((a) => a.status === 'rejected')?.reason;
    if (problem) throw problem;
  } });
  return { el, draw() {
    const all = items();
    const was = el.hidden;
    el.hidden = all.length < 2;
    if (was && !el.hidden) user.value = all[0].userName ?? 'admin';
    const left = Math.min(...all.map((i) => i.failure.triesLeft ?? Infinity));
    say(words, count(all.length, 'device refuses the password', 'devices refuse the password'));
    say(tries, `${tr`Mistyped? Enter it once for all of them; a device with a password of its own has its form below.`}${left < 4 ? ` ${count(left, 'Some allow only {0} more try before they lock.', 'Some allow only {0} more tries before they lock.')}` : ''}`);
  } };
}
