// Whoever holds a link sees what is offered to them, and accepts with an account, or refuses.
import { accountChoice } from './account-choice.js';
import { api } from './api.js';
import { ask } from './dialog.js';
import { fill, h } from './dom.js';
import { bind } from './form.js';
import { tr } from './language.js';
import { title as name } from './navigate.js';
import { button, gateCard, problemBox } from './parts.js';

/**
 * `path` is where the offer is asked for, with `/accept` and `/refuse` below it. Of the offer, `words` gives {lead, accept, refuse: {title, text}} and `about` the
 * elements that tell what it is. `more` are fields of a new account, which `read` turns into what the API takes.
 */
export async function offered(gate, setup, enter, { token, path, testid, title, words, about, more = [], read = () => ({}) }) {
  name(title);
  let offer;
  try { offer = await api.post(path, { token }, { gate: false }); } catch (problem) {
    gateCard(gate, tr`This link`, [setup.name].filter(Boolean).join(', '), problemBox(problem), h('p', { class: 'gate-more' }, h('a', { class: 'button quiet', href: '#/cameras', onClick: () => setTimeout(() => location.reload()) }, tr`Sign in`)));
    return;
  }
  const say = words(offer);
  const account = accountChoice({ testid, more });
  const save = button(say.accept, { look: 'primary wide', type: 'submit', testid: `${testid}-submit` });
  const message = h('div', { class: 'form-message', role: 'alert' });
  const form = h('form', {}, account.elements, h('div', { class: 'actions' }, save));
  bind(form, { fields: account.fields, button: save, busy: tr`Accepting…`, async submit() {
    const session = await api.post(`${path}/accept`, { token, ...account.read(), ...(account.isNew() && read()) }, { gate: false });
    // The link is used up; it must not be what the page comes back to.
    history.replaceState(null, '', '#/sites');
    await enter(session);
  } });
  const refuse = button(tr`Refuse`, { look: 'quiet', testid: `${testid}-refuse`, async onClick() {
    if (!await ask({ ...say.refuse, action: tr`Refuse` })) return;
    fill(message);
    try {
      await api.post(`${path}/refuse`, { token }, { gate: false });
      history.replaceState(null, '', '#/cameras');
      gateCard(gate, tr`Refused`, offer.site, h('p', {}, tr`${offer.company} is told. You can close this page.`));
    } catch (problem) { fill(message, problemBox(problem)); }
  } });
  gateCard(gate, offer.site, say.lead, offer.remarks && h('p', { class: 'offer-remarks', 'data-testid': `${testid}-remarks` }, `“${offer.remarks}”`), ...about(offer), form, message, h('p', { class: 'gate-more' }, refuse));
  account.focus();
}
