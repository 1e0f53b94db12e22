// A partner to be looks at the site that is shared with them, or a service provider at that to which its owner invites it, and accepts or refuses.
import { h, icon } from './dom.js';
import { field, wrong } from './form.js';
import { tr } from './language.js';
import { offered } from './offered.js';
import { permissionWord, wishWords } from './wishes.js';

const line = (iconName, text) => h('li', { class: 'row' }, icon(iconName), h('span', {}, text));
const MAY = {
  installation: () => line('check', tr`Install and set its devices, until it is handed over to its owner.`),
  maintenance: ({ permissions }) => permissions.map((p) => line('check', permissionWord(p))),
  management: ({ wishes }) => wishes.map((w) => line('check', wishWords(w))),
};
const lead = ({ company, kind }) => (kind === 'management' ? tr`${company} invites you to look after devices of this site.` : tr`${company} asks you to help with this site.`);

export function partner(gate, setup, token, enter) {
  const company = field({ label: tr`Your company`, pointer: '/company', autocomplete: 'organization', autocapitalize: 'words', testid: 'partner-company', maxlength: 64 });
  return offered(gate, setup, enter, {
    token, path: '/share', testid: 'partner', title: tr`A site is shared`, more: [company],
    words: (offer) => ({ lead: lead(offer), accept: tr`Accept`, refuse: { title: tr`Refuse?`, text: tr`${offer.company} is told.` } }),
    about: (offer) => [h('ul', { class: 'plain-list offer', 'data-testid': 'partner-offer' }, offer.address && line('zone', offer.address), MAY[offer.kind](offer))],
    read() {
      if (!company.given) throw wrong(company, tr`Enter your company’s name.`);
      return { company: company.given };
    },
  });
}
