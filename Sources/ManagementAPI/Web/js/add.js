// Adding devices: found on the network, by address, by RTSP URL, or by a QR code. What was typed is kept when one leaves and comes back.
import { byAddress } from './add-by-address.js';
import { byUrl } from './add-by-url.js';
import { fill, h, icon } from './dom.js';
import { choice, field } from './form.js';
import { findDevices } from './find-devices.js';
import { tr } from './language.js';
import { title } from './navigate.js';
import { onboardingBanner } from './onboarding-banner.js';
import { head, link } from './parts.js';
import { byCode } from './read-code.js';
import { sitesToAddTo, store } from './store.js';

const WAYS = {
  find: { label: tr`Find`, make: findDevices },
  address: { label: tr`Address`, make: byAddress },
  url: { label: tr`RTSP URL`, make: byUrl },
  code: { label: tr`QR code`, make: byCode },
};

const blank = () => ({ name: '', address: '', httpPort: '', https: false, port: '', driver: 'auto', url: '', subUrl: '', userName: '', password: '', transport: 'tcp', setTime: true, siteId: null });
/** What is typed, over all ways of adding. */
const draft = blank();
const forgetDraft = () => Object.assign(draft, blank());

let way = 'find';

export function addPage(context) {
  const { root, params: [old, asked], query, on } = context;
  title(tr`Add cameras`);
  way = asked ?? (old ? 'address' : way);
  // Where there is but one site, nobody is asked.
  const sites = sitesToAddTo();
  if (query.get('site')) draft.siteId = query.get('site');
  if (!sites.some((site) => site.id === draft.siteId)) draft.siteId = (sites.find((site) => site.id === store.system?.site?.id) ?? sites[0])?.id ?? null;
  const where = field({ label: tr`Site`, pointer: '/siteId', type: 'select', options: sites.map((site) => [site.id, site.name]), value: draft.siteId, testid: 'add-site' });
  where.input.addEventListener('change', () => { draft.siteId = where.value; });
  const made = {};
  const place = h('div', {});
  const by = choice({ label: h('span', { class: 'spoken' }, tr`How the cameras are known`), value: way, testid: 'by', onChange: show,
    options: Object.entries(WAYS).map(([value, { label }]) => ({ value, label })) });

  function show(next) {
    way = by.value = next;
    history.replaceState(null, '', `#/add/${next}`);
    made[next] ??= WAYS[next].make({ ...context, draft, forgetDraft, show });
    made[next].shown?.();
    fill(place, made[next].el);
    return made[next];
  }

  fill(root, head([link('#/cameras', 'back', icon('back'), tr`Cameras`), h('h1', { tabindex: -1 }, tr`Add cameras`)]),
    onboardingBanner({ on, always: true }), sites.length > 1 && where.el, by.el, place);
  show(way);
}
