// After adding: straight on to the cloud.
import { api, seg } from './api.js';
import { cloudCopy } from './cloud-copy.js';
import { fill, h, icon } from './dom.js';
import { tr } from './language.js';
import { card, head, link } from './parts.js';
import { picture } from './picture.js';
import { go, title } from './navigate.js';
import { put, store } from './store.js';

export async function linkPage({ root, params: [id], on, skeleton }) {
  title(tr`Link to the cloud`);
  if (!store.channels.has(id)) { skeleton(); put('channel', await api.get(`/channels/${seg(id)}`)); }
  const channel = store.channels.get(id);
  const pic = picture(channel);
  const here = `/cameras/${seg(id)}`;
  const form = await cloudCopy({ channelId: id, on, linked: () => go(here), later: link(`#${here}`, 'button quiet', tr`Not now`) });
  on('channel', (c) => { if (c.id === id) pic.show(c); });
  fill(root, head([link(`#${here}`, 'back', icon('back'), channel.name), h('h1', { tabindex: -1 }, tr`Link to the cloud`)]),
    h('div', { class: 'columns' },
      h('div', {}, h('div', { class: 'frame' }, pic), h('p', { class: 'muted' }, tr`When something happens in front of ${channel.name}, the box keeps a clip that begins 5 seconds before, and sends a copy to the cloud in the definition you choose.`)),
      card(tr`Cloud copy`, form)));
}
