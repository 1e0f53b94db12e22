// The card by which the router leads the internet to this box.
import { api } from './api.js';
import { toast } from './dialog.js';
import { fill, h } from './dom.js';
import { bind, choice, field } from './form.js';
import { full } from './format.js';
import { tr } from './language.js';
import { button, card, facts, problemBox, sentence } from './parts.js';

const EVERY = 2000;
const MEANING = tr`Everybody on the internet can then try to sign in to this box. Switch it on only with good passwords, and only if you have no VPN. The port is closed when it is switched off and when the box stops.`;

/** The card, and `load`, which gets what it shows. */
export function reachCard({ cleanup }) {
  const state = h('div', { 'data-testid': 'reach-state', 'aria-live': 'polite' });
  const about = h('div', { 'data-testid': 'reach-facts' });
  const result = h('div', { 'data-testid': 'reach-result', 'aria-live': 'polite' });
  const enabled = choice({ label: tr`Port on the internet`, pointer: '/enabled', value: 'off', testid: 'reach-enabled', options: [{ value: 'off', label: tr`Closed` }, { value: 'on', label: tr`Open|a port` }] });
  const port = field({ label: tr`Port`, pointer: '/outsidePort', optional: true, inputmode: 'numeric', maxlength: 5, autocomplete: 'off', testid: 'reach-port', hint: tr`When this is empty the box takes its own, or another one that is free.` });
  const router = field({ label: tr`Router`, pointer: '/routerUrl', optional: true, maxlength: 300, inputmode: 'url', autocomplete: 'off', testid: 'reach-router', hint: tr`When this is empty the box searches. Otherwise the address of its description, such as http://192.168.1.1:5000/rootDesc.xml.` });
  const network = field({ label: tr`Network interface`, pointer: '/interface', optional: true, maxlength: 15, autocomplete: 'off', testid: 'reach-interface', hint: tr`On which the router is searched, such as eth0; for boxes with several.` });
  const checker = field({ label: tr`Checker`, pointer: '/checkerUrl', optional: true, maxlength: 300, inputmode: 'url', autocomplete: 'off', testid: 'reach-checker', hint: tr`A service of yours that looks from outside. Without one the test looks from the box through the router.` });
  const save = button(tr`Save`, { look: 'primary', type: 'submit', testid: 'reach-save' });
  const test = button(tr`Test`, { testid: 'reach-test', onClick: tryIt });
  const fields = [enabled, port, router, network, checker];
  const form = h('form', { class: 'stack', 'data-testid': 'reach-form' }, fields.map((f) => f.el), h('div', { class: 'actions' }, save, test));
  let timer = 0;

  function draw(x) {
    fill(state, x.state.code !== 'off' && sentence(x.state.severity, x.state.sentence));
    const address = x.openPort && `https://${x.outsideAddress}:${x.openPort}/`;
    fill(about, x.openPort && facts([[tr`Address`, h('code', {}, address)], [tr`Router`, h('code', {}, x.routerAddress)], [tr`Open until`, x.openUntil ? tr`${full(x.openUntil)}, prolonged by itself` : tr`it is closed`]]));
    fill(result, x.test && x.openPort && sentence(x.test.severity, x.test.sentence));
    test.hidden = !x.openPort;
    clearTimeout(timer);
    if (x.state.code === 'looking') timer = setTimeout(look, EVERY);
  }
  async function look() {
    try { draw(await api.get('/relay/reach')); } catch { timer = setTimeout(look, EVERY); }
  }
  function show(x) {
    enabled.value = x.enabled ? 'on' : 'off';
    port.value = x.outsidePort === null ? '' : String(x.outsidePort);
    router.value = x.routerUrl;
    network.value = x.interface;
    checker.value = x.checkerUrl;
    draw(x);
  }
  async function tryIt() {
    test.disabled = true;
    fill(result, h('p', { class: 'muted small' }, tr`Testing…`));
    try {
      const found = await api.post('/relay/reach/test');
      fill(result, sentence(found.severity, found.sentence));
    } catch (problem) { fill(result, problemBox(problem)); }
    test.disabled = false;
  }
  const number = (text) => (text === null ? null : /^\d+$/.test(text) ? Number(text) : text);
  bind(form, { fields, button: save, busy: tr`Saving…`, async submit() {
    show(await api.put('/relay/reach', { enabled: enabled.value === 'on', outsidePort: number(port.given), routerUrl: router.given, interface: network.given, checkerUrl: checker.given }));
    toast(tr`Saved.`);
  } });
  cleanup(() => clearTimeout(timer));
  test.hidden = true;
  return {
    el: card(tr`From the internet`, h('p', { class: 'muted small' }, tr`Without a server between: the router passes a port on to this page (UPnP). `, MEANING), state, about, result, form),
    async load() { show(await api.get('/relay/reach')); },
  };
}
