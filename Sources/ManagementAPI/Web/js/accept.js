// The owner to be looks at what is handed over to them, and accepts or refuses.
import { h, icon } from './dom.js';
import { tr } from './language.js';
import { offered } from './offered.js';
import { wishWords } from './wishes.js';

const line = (iconName, text) => h('li', { class: 'row' }, icon(iconName), h('span', {}, text));

export const accept = (gate, setup, token, enter) => offered(gate, setup, enter, {
  token, path: '/handover', testid: 'accept', title: tr`A site is handed over`,
  words: ({ company }) => ({ lead: tr`${company} hands this site over to you.`, accept: tr`Accept the site`, refuse: { title: tr`Refuse the site?`, text: tr`${company} keeps looking after it, and is told.` } }),
  about: ({ company, address, devices, permissions, allowRemoteUseControl }) => [
    h('ul', { class: 'plain-list offer', 'data-testid': 'accept-offer' },
      address && line('zone', address),
      line('camera', devices.length ? devices.join(', ') : tr`No devices yet`),
      permissions.length === 0 ? line('lock', tr`${company} asks for no permissions.`) : h('li', {}, h('p', { class: 'strong' }, tr`${company} asks you to let it do`), h('ul', { class: 'plain-list' }, permissions.map((w) => line('check', wishWords(w))))),
      allowRemoteUseControl && line('warn', tr`${company} asks to be allowed to switch your remote use off. The devices cannot be taken off the box then.`)),
    h('p', { class: 'muted small' }, tr`You can take every permission back at any time, and give others.`)],
});
