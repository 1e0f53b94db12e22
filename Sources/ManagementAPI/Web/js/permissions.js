// What the owner of a site lets the provider do: given, asked for, taken back.
import { api, seg } from './api.js';
import { ask, toast } from './dialog.js';
import { fill, h, icon } from './dom.js';
import { bind, field } from './form.js';
import { full, when } from './format.js';
import { tr } from './language.js';
import { button, card, problemBox } from './parts.js';
import { PERMISSIONS, permissionWord, wishFields, wishWords } from './wishes.js';

const STATES = { pending: tr`waits for the owner`, approved: tr`approved`, refused: tr`refused`, withdrawn: tr`taken back` };

export async function permissionCards(state) {
  const [permissions, applications] = await Promise.all([api.get(`${state.path}/permissions`), api.get(`${state.path}/applications`)]);
  state.nextEnd = Math.min(...permissions.items.map((p) => (p.endsAt ? Date.parse(p.endsAt) : Infinity)));
  const apply = state.can('apply') && applyCard(state);
  return [state.can('leave-site') ? partnersCard(state) : permissionsCard(state, permissions.items), applicationsCard(state, applications.items, apply), state.can('grant') && giveCard(state, permissions.people), apply && apply.el].filter(Boolean);
}

/** A partner is not told what the owner gave whom, but what comes of it for them. */
function partnersCard({ can }) {
  const of = { 'live-view': 'view-live', playback: 'play-back', configuration: 'configure', 'site-information': 'manage-site' };
  const list = PERMISSIONS.filter(([code]) => can(of[code])).map(([, word, hint]) => h('li', {}, icon('check'), h('span', {}, h('span', { class: 'strong' }, word), h('span', { class: 'muted small' }, hint))));
  return card(tr`What you may do here`, list.length > 0 ? h('ul', { class: 'plain-list people', 'data-testid': 'shared-permissions' }, list) : h('p', { class: 'muted' }, tr`Nothing now: the owner does not let your partner do what was shared with you.`));
}

/** A place for what goes wrong, and a way to do something and draw anew. */
function acting(redraw) {
  const message = h('div', { class: 'form-message', role: 'alert' });
  return { message, act: async (what, done) => { fill(message); try { await what(); if (done) toast(done); await redraw(); } catch (problem) { fill(message, problemBox(problem)); } } };
}

function permissionsCard({ site, path, can, redraw }, items) {
  const { message, act } = acting(redraw);
  // The list moves up under the finger: a second tap must not take the next one.
  async function takeBack(p) {
    if (await ask({ title: tr`Take ${permissionWord(p.permission)} back?`, text: tr`${p.person ?? p.company} may not do it any more, at once.`, action: tr`Take back|a permission` })) await act(() => api.delete(`${path}/permissions/${seg(p.id)}`), tr`Taken back.|a permission`);
  }
  const list = h('ul', { class: 'plain-list people', 'data-testid': 'permissions' }, items.map((p) => h('li', { 'data-permission': p.permission }, icon('check'),
    h('span', {}, h('span', { class: 'strong' }, tr`${permissionWord(p.permission)} of ${p.device ?? p.channel ?? tr`the whole site`}`),
      h('span', { class: 'muted small' }, [p.person ? tr`${p.person} of ${p.company}` : p.company, p.endsAt ? tr`until ${full(p.endsAt)}` : tr`for good`].join(' · '))),
    can('grant') ? button(tr`Take back|a permission`, { look: 'small', testid: `take-${p.permission}`, onClick: () => takeBack(p) })
      : can('apply') && p.endsAt && button(tr`Release`, { look: 'small', testid: `release-${p.permission}`, onClick: () => act(() => api.post(`${path}/permissions/${seg(p.id)}/release`), tr`Released.`) }))));
  const none = items.length === 0 && h('p', { class: 'muted' }, can('grant') ? tr`${site.company ?? tr`The service provider`} may do nothing here.` : tr`The owner lets nobody do anything here.`);
  const discard = can('grant') && site.authorizedAt && h('div', { class: 'actions' }, button(tr`Discard authorization`, { testid: 'discard', async onClick() {
    if (await ask({ title: tr`Discard authorization?`, text: tr`${site.company} sees no more than the name of this site, and all permissions are void. It can ask you again.`, action: tr`Discard` })) await act(() => api.delete(`${path}/authorization`), tr`Discarded.`);
  } }));
  return card(can('grant') ? tr`Who may do what` : tr`What the owner lets you do`, none, list, message, discard);
}

function applicationsCard({ path, can, redraw, devices, channels }, items, apply) {
  if (items.length === 0) return null;
  const { message, act } = acting(redraw);
  const decide = (one, word, done) => act(() => api.post(`${path}/applications/${seg(one.id)}/${word}`), done);
  return card(tr`Applications`, h('ul', { class: 'plain-list people', 'data-testid': 'applications' }, items.slice(0, 10).map((one) => h('li', { 'data-state': one.state }, icon(one.state === 'pending' ? 'bell' : one.state === 'approved' ? 'check' : 'dash'),
    h('div', { class: 'stack tight' }, h('span', { class: 'strong' }, one.kind === 'authorization' ? tr`To look after the site` : tr`For permissions`),
      h('span', { class: 'muted small' }, [`${one.appliedBy}, ${when(one.createdAt)}`, one.state === 'pending' && can('grant') ? tr`waits for you` : STATES[one.state], ...one.permissions.map((w) => wishWords(w, devices, channels))].join(' · ')), one.remarks && h('span', { class: 'block-line' }, `“${one.remarks}”`),
      apply && (one.state === 'refused' || one.state === 'withdrawn') && h('div', { class: 'row' }, button(tr`Ask again`, { look: 'small', testid: 'apply-again', onClick: () => apply.again(one, act) })),
      one.state === 'pending' && h('div', { class: 'row wrap' }, can('grant') && button(tr`Approve`, { look: 'primary small', testid: 'approve', onClick: () => decide(one, 'approve', tr`Approved.`) }), can('grant') && button(tr`Refuse`, { look: 'small', testid: 'refuse', onClick: () => decide(one, 'refuse', tr`Refused.`) }),
        can('apply') && button(tr`Take back`, { look: 'small', testid: 'application-back', onClick: () => act(() => api.delete(`${path}/applications/${seg(one.id)}`), tr`Taken back.`) })))))), message);
}

function giveCard({ site, path, devices, channels, redraw }, people = []) {
  if (!site.company) return null;
  const person = people.length > 0 && field({ label: tr`For|a person`, pointer: '/personId', type: 'select', options: [['', tr`everybody at ${site.company}`], ...people.map((p) => [p.id, p.name])], testid: 'give-person' });
  const wishes = wishFields({ devices, channels, testid: 'give' });
  const save = button(tr`Give`, { look: 'primary', type: 'submit', testid: 'give-submit' });
  const form = h('form', { class: 'stack' }, person && person.el, wishes.el, h('div', { class: 'actions' }, save));
  bind(form, { fields: person ? [person, ...wishes.fields] : wishes.fields, button: save, busy: tr`Giving…`, async submit() {
    wishes.check({ some: true });
    await api.post(`${path}/permissions`, { permissions: wishes.read(), ...(person && person.given && { personId: person.given }) });
    toast(tr`Given.`);
    await redraw();
  } });
  return card(null, h('details', {}, h('summary', { 'data-testid': 'give' }, tr`Let ${site.company} do something`), form));
}

function applyCard({ site, path, devices, channels, redraw }) {
  const asked = tr`${site.owner} is asked.`;
  const send = (permissions, why) => api.post(`${path}/applications`, { permissions, ...(why && { remarks: why }) });
  const wishes = wishFields({ devices, channels, testid: 'apply', ticked: ['live-view'] });
  const remarks = field({ label: tr`Why`, pointer: '/remarks', type: 'area', rows: 2, optional: true, maxlength: 1000, testid: 'apply-remarks' });
  const save = button(tr`Ask the owner`, { look: 'primary', type: 'submit', testid: 'apply-submit' });
  const form = h('form', { class: 'stack' }, wishes.el, remarks.el, h('div', { class: 'actions' }, save));
  bind(form, { fields: [remarks, ...wishes.fields], button: save, busy: tr`Asking…`, async submit() {
    wishes.check({ some: true });
    await send(wishes.read(), remarks.given);
    toast(asked);
    await redraw();
  } });
  const details = h('details', { open: site.status === 'not-authorized' }, h('summary', { 'data-testid': 'apply' }, site.status === 'not-authorized' ? tr`Apply for authorization` : tr`Ask for permissions`), form);
  return {
    el: card(null, details),
    /** The same as once before, to be looked at; what the form cannot hold, such as devices that are not shown now, is sent as it was. */
    again(one, act) {
      if (!wishes.fillIn(one.permissions)) return act(() => send(one.permissions.map(({ permission, deviceId, channelId, hours, until }) => ({ permission, deviceId, channelId, hours, until })), one.remarks), asked);
      remarks.value = one.remarks;
      details.open = true;
      save.scrollIntoView({ block: 'nearest' });
      return save.focus();
    },
  };
}
