// The provider's people: who works here, in which role, who is invited, and what roles there are.
import { api, seg } from './api.js';
import { ask, toast } from './dialog.js';
import { fill, h, icon } from './dom.js';
import { bind, field, toggle, wrong } from './form.js';
import { count, when } from './format.js';
import { language, tr } from './language.js';
import { title } from './navigate.js';
import { button, card, head, link, problemBox, sentence } from './parts.js';
import { may, sortedByName, store } from './store.js';

export const ROLE_PERMISSIONS = [
  ['manage-all-sites', tr`Manage all sites`, tr`Every site with its cameras and footage, this box, and the log.`],
  ['manage-assigned-site', tr`Manage assigned site`, tr`The sites that are assigned to the person, with their cameras and footage.`],
  ['manage-account-and-role', tr`Manage account and role`, tr`Invite, disable and delete people; make roles.`],
  ['manage-company-information', tr`Manage company information`, tr`The company’s name.`],
  ['manage-service-package-and-order', tr`Manage service package and order`, tr`Plans for cloud storage.`],
];

export async function peoplePage({ root }) {
  title(tr`People`);
  const sees = may('view-people');
  const [roles, people, invitations, company, sites] = await Promise.all([
    sees ? api.get('/roles') : { items: [] }, sees ? api.get('/people') : { items: [] }, may('manage-people') ? api.get('/invitations') : { items: [] }, api.get('/company'), api.get('/sites')]);
  const state = { roles: roles.items, people: sortedByName(people.items), invitations: invitations.items, sites: sortedByName(sites.items) };
  const cards = [companyCard(company), sees && peopleCard(state), may('manage-people') && inviteCard(state), sees && rolesCard(state)];
  fill(root, head([link('#/sites', 'back', icon('back'), tr`Sites`), h('h1', { tabindex: -1 }, tr`People`)], may('read-log') && link('#/log', 'button', icon('clock'), h('span', {}, tr`What was done`))), h('div', { class: 'columns' }, cards.filter(Boolean)));
}

function companyCard(company) {
  const name = field({ label: tr`Company`, pointer: '/name', value: company.name, maxlength: 64, autocomplete: 'organization', testid: 'company-name', hint: tr`The service provider that looks after this site.` });
  if (!may('manage-company')) return card(tr`Company`, h('p', {}, company.name));
  const save = button(tr`Save`, { type: 'submit', testid: 'company-save' });
  const form = h('form', { class: 'stack' }, name.el, h('div', { class: 'actions' }, save));
  bind(form, { fields: [name], button: save, busy: tr`Saving…`, async submit() {
    if (!name.given) throw wrong(name, tr`Enter the company’s name.`);
    await api.patch('/company', { name: name.given });
    toast(tr`Saved.`);
  } });
  return card(tr`Company`, form);
}

function peopleCard(state) {
  const list = h('ul', { class: 'plain-list people', 'data-testid': 'people' });
  const message = h('div', { class: 'form-message', role: 'alert' });
  async function act(what) {
    fill(message);
    try { await what(); } catch (problem) { fill(message, problemBox(problem)); }
    state.people = sortedByName((await api.get('/people')).items);
    draw();
  }
  const role = (person) => h('select', { 'aria-label': tr`Role of ${person.name}`, 'data-testid': `role-${person.name}`, value: person.roleId, onChange: (event) => act(() => api.patch(`/people/${seg(person.id)}`, { roleId: event.target.value })) },
    state.roles.map((r) => h('option', { value: r.id }, r.name)));
  const managed = (person) => tr`Manages ${count(person.siteIds.length, 'site')}`;
  const oneSite = (person, site, label, testid, changed) => toggle({ label, on: person.siteIds.includes(site.id), testid,
    async act(next) {
      person.siteIds = (await api.patch(`/people/${seg(person.id)}/sites`, next ? { add: [site.id] } : { remove: [site.id] })).siteIds;
      changed?.();
    } }).el;
  const manages = (person) => (state.sites.length === 1 ? oneSite(person, state.sites[0], tr`Manages ${state.sites[0].name}`, `manages-${person.name}`)
    : manySites(person));
  function manySites(person) {
    const summary = h('summary', { 'data-testid': `sites-${person.name}` }, managed(person));
    return h('details', {}, summary, state.sites.map((site) => oneSite(person, site, site.name, `manages-${person.name}-${site.name}`, () => { summary.textContent = managed(person); })));
  }
  const isBound = (person) => { return !(state.roles.find((r) => r.id === person.roleId)?.permissions.includes('manage-all-sites') ?? true); };
  function row(person) {
    const own = person.id === store.user.id;
    const changeable = may('manage-people') && !own && !person.installerAdmin;
    const about = [person.fullName, !changeable && person.role, person.installerAdmin && tr`installer admin`, own && tr`you`, person.disabled && tr`disabled`, person.asksOneTimePassword && tr`with one-time password`,
      person.seenAt ? tr`seen ${when(person.seenAt)}` : tr`never seen`].filter(Boolean);
    return h('li', { 'data-person': person.name }, icon(person.disabled ? 'off' : 'face'), h('div', { class: 'stack tight' },
      h('span', {}, h('span', { class: 'strong' }, person.name), h('span', { class: 'muted small' }, about.join(' · '))),
      isBound(person) && may('assign-sites') && manages(person),
      changeable && h('div', { class: 'row' }, role(person),
        button(person.disabled ? tr`Enable` : tr`Disable`, { look: 'small', testid: `disable-${person.name}`, onClick: () => act(() => api.patch(`/people/${seg(person.id)}`, { disabled: !person.disabled })) }),
        button(tr`Delete`, { look: 'small', testid: `delete-${person.name}`, async onClick() {
          if (await ask({ title: tr`Delete ${person.name}?`, text: tr`The account, its sign-ins and its keys for programs are gone at once. What was done stays in the log.`, action: tr`Delete` })) await act(() => api.delete(`/people/${seg(person.id)}`));
        } }))));
  }
  function draw() { fill(list, state.people.map(row)); }
  draw();
  state.redraw = draw;
  return card(tr`People`, list, message);
}

function inviteCard(state) {
  const name = field({ label: tr`For whom`, pointer: '/name', maxlength: 64, autocomplete: 'off', autocapitalize: 'words', testid: 'invite-name' });
  const role = field({ label: tr`Role`, pointer: '/roleId', type: 'select', options: state.roles.map((r) => [r.id, r.name]), testid: 'invite-role' });
  const email = field({ label: tr`E-mail address`, pointer: '/email', type: 'email', optional: true, maxlength: 254, autocomplete: 'off', testid: 'invite-email', hint: tr`The box sends the link there, if it sends e-mails.` });
  role.value = state.roles.find((r) => r.name === 'Site Manager')?.id ?? state.roles[0].id;
  const chosen = new Set();
  const places = h('details', { open: state.sites.length <= 5, 'data-testid': 'invite-sites' }); // nobody overlooks that there are none yet
  const isBound = () => {
    const permissions = state.roles.find((r) => r.id === role.value)?.permissions ?? [];
    return may('assign-sites') && state.sites.length > 0 && permissions.includes('manage-assigned-site') && !permissions.includes('manage-all-sites');
  };
  function drawPlaces() {
    const summary = h('summary', {}, tr`Manages ${count(chosen.size, 'site')}`);
    places.hidden = !isBound();
    fill(places, summary, state.sites.map((site) => toggle({ label: site.name, on: chosen.has(site.id), testid: `invite-${site.id}`, async act(next) {
      if (next) chosen.add(site.id); else chosen.delete(site.id);
      summary.textContent = tr`Manages ${count(chosen.size, 'site')}`;
    } }).el));
  }
  role.el.addEventListener('change', drawPlaces);
  const made = h('div', { class: 'stack made', 'aria-live': 'polite' });
  const waiting = h('ul', { class: 'plain-list people', 'data-testid': 'invitations' });
  const save = button(tr`Invite`, { look: 'primary', type: 'submit', testid: 'invite-submit' });
  const form = h('form', { class: 'stack' }, name.el, role.el, places, email.el, h('div', { class: 'actions' }, save));
  function draw() {
    fill(waiting, state.invitations.map((i) => h('li', {}, icon('clock'), h('span', {}, h('span', { class: 'strong' }, i.name), h('span', { class: 'muted small' }, tr`${i.role} · until ${when(i.expiresAt)}`)),
      button(tr`Take back`, { look: 'small', async onClick() { await api.delete(`/invitations/${seg(i.id)}`).catch(() => {}); await refresh(); } }))));
  }
  async function refresh() { state.invitations = (await api.get('/invitations')).items; draw(); }
  bind(form, { fields: [name, role, email], button: save, busy: tr`Inviting…`, async submit() {
    if (!name.given) throw wrong(name, tr`Enter a name.`);
    const invitation = await api.post('/invitations', { name: name.given, roleId: role.value, ...(isBound() && { siteIds: [...chosen] }), ...(email.given && { email: email.given, language }) });
    const address = `${location.origin}${invitation.path}`;
    const code = h('code', { 'data-testid': 'invite-link' }, address);
    fill(made, invitation.delivery && sentence(invitation.delivery.sent ? 'ok' : 'attention', invitation.delivery.sentence), h('p', {}, tr`Send this link to ${invitation.name}. It is shown only now, and good once, until ${when(invitation.expiresAt)}.`), h('p', { class: 'wrap' }, code),
      button(tr`Copy`, { look: 'small', iconName: 'copy', async onClick() { try { await navigator.clipboard.writeText(address); toast(tr`Copied.`); } catch { getSelection().selectAllChildren(code); } } }));
    name.value = email.value = '';
    chosen.clear();
    drawPlaces();
    await refresh();
  } });
  draw();
  drawPlaces();
  return card(tr`Invite somebody`, h('p', { class: 'muted small' }, tr`They choose their own user name and password.`), form, made, waiting);
}

function rolesCard(state) {
  const list = h('ul', { class: 'plain-list roles', 'data-testid': 'roles' });
  const message = h('div', { class: 'form-message', role: 'alert' });
  async function refresh() { state.roles = (await api.get('/roles')).items; draw(); state.redraw?.(); }
  const word = (permission) => ROLE_PERMISSIONS.find(([code]) => code === permission)?.[1] ?? permission;
  function draw() {
    fill(list, state.roles.map((r) => h('li', { 'data-role': r.name }, icon('shield'), h('span', {}, h('span', { class: 'strong' }, r.name), h('span', { class: 'muted small' }, `${count(r.people, 'person', 'people')} · ${r.permissions.map(word).join(', ')}`)),
      !r.predefined && may('manage-people') && button(tr`Delete`, { look: 'small', 'aria-label': tr`Delete the role ${r.name}`, async onClick() {
        fill(message);
        try { await api.delete(`/roles/${seg(r.id)}`); } catch (problem) { fill(message, problemBox(problem)); }
        await refresh();
      } }))));
  }
  draw();
  if (!may('manage-people')) return card(tr`Roles`, list);
  const name = field({ label: tr`Name`, pointer: '/name', maxlength: 64, autocomplete: 'off', autocapitalize: 'words', testid: 'role-name' });
  const boxes = ROLE_PERMISSIONS.map(([code, label, hint]) => { const input = h('input', { type: 'checkbox', value: code, 'data-testid': `permission-${code}` }); return { input, el: h('label', { class: 'check' }, input, h('span', {}, h('span', { class: 'strong' }, label), h('span', { class: 'muted small' }, hint))) }; });
  const save = button(tr`Make role`, { type: 'submit', testid: 'role-submit' });
  const form = h('form', { class: 'stack' }, name.el, h('fieldset', { class: 'checks' }, h('legend', {}, tr`May`), boxes.map((b) => b.el)), h('div', { class: 'actions' }, save));
  bind(form, { fields: [name], button: save, busy: tr`Making…`, async submit() {
    if (!name.given) throw wrong(name, tr`Enter a name for the role.`);
    const permissions = boxes.filter((b) => b.input.checked).map((b) => b.input.value);
    if (permissions.length === 0) throw wrong(name, tr`Choose at least one permission.`);
    await api.post('/roles', { name: name.given, permissions });
    name.value = '';
    for (const b of boxes) b.input.checked = false;
    await refresh();
  } });
  return card(tr`Roles`, list, message, h('details', {}, h('summary', { 'data-testid': 'role-new' }, tr`Make a role of your own`), form));
}
