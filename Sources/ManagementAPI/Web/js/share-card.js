// With which partners a site is shared: offered by the provider, seen by the owner, left by the partner.
import { api, seg } from './api.js';
import { ask, toast } from './dialog.js';
import { fill, h, icon } from './dom.js';
import { bind, field, wrong } from './form.js';
import { when } from './format.js';
import { go } from './navigate.js';
import { sentLink } from './hand-over.js';
import { tr } from './language.js';
import { button, card, problemBox } from './parts.js';
import { refreshRights } from './store.js';
import { PERMISSIONS, permissionWord } from './wishes.js';

const STATES = { pending: tr`waits for an answer`, accepted: tr`helps here`, refused: tr`refused`, ended: tr`ended` };
const KINDS = { installation: tr`until the handover`, maintenance: tr`maintenance` };
const words = (share) => (share.kind === 'installation' ? [tr`all that there is to do with devices`] : share.permissions.map(permissionWord)).join(', ');

export async function shareCard(state) {
  const { path, can, redraw } = state;
  if (can('leave-site')) return null; // a partner sees what it may do
  const { items } = await api.get(`${path}/shares`);
  if (!can('share') && items.length === 0) return null;
  // Only what the owner has granted can be shared.
  state.granted = can('share') && state.site.owner && new Set((await api.get(`${path}/permissions`)).items.map((one) => one.permission));
  const message = h('div', { class: 'form-message', role: 'alert' });
  const act = async (what, done) => { fill(message); try { await what(); toast(done); await redraw(); } catch (problem) { fill(message, problemBox(problem)); } };
  const lasting = (share) => share.state === 'pending' || share.state === 'accepted';
  const acts = (share) => {
    const form = h('div', {});
    return [h('div', { class: 'row wrap' }, share.kind === 'maintenance' && button(tr`Change`, { look: 'small', testid: 'share-change', onClick: () => changeForm(state, share, form) }),
      button(share.state === 'pending' ? tr`Take back` : tr`End`, { look: 'small', testid: 'share-end', async onClick() {
        if (share.state === 'pending' || await ask({ title: tr`End sharing with ${share.partner}?`, text: tr`It sees nothing of this site any more, at once.`, action: tr`End` })) await act(() => api.delete(`${path}/shares/${seg(share.id)}`), tr`Ended.`);
      } })), form];
  };
  const list = h('ul', { class: 'plain-list people', 'data-testid': 'shares' }, items.slice(0, 10).map((share) => h('li', { 'data-state': share.state }, icon(share.state === 'accepted' ? 'check' : share.state === 'pending' ? 'clock' : 'dash'),
    h('div', { class: 'stack tight' }, h('span', { class: 'strong' }, share.partner ?? share.recipient), h('span', { class: 'muted small' }, [KINDS[share.kind], words(share), lasting(share) ? tr`${STATES[share.state]} since ${when(share.decidedAt ?? share.createdAt)}` : `${STATES[share.state]}, ${when(share.decidedAt ?? share.createdAt)}`].join(' · ')),
      can('share') && lasting(share) && acts(share)))));
  const about = h('p', { class: 'muted small' }, can('share') ? state.site.owner ? tr`A partner does what you may do here, or a part of it. It cannot share further nor activate plans. The owner is told.` : tr`A partner does what you may do here, or a part of it. It cannot share further nor activate plans.` : tr`These companies help your service provider here, with what you let it do.`);
  return card(tr`Partners`, about, list, message, can('share') && shareForm(state));
}

/** What a maintenance partner may do, to be ticked; none of them is an error for itself. */
function permissionChecks({ testid, granted, ticked = [] }) {
  const boxes = PERMISSIONS.filter(([code]) => granted.has(code) || ticked.includes(code)).map(([code, label, hint]) => ({ code, input: h('input', { type: 'checkbox', value: code, checked: ticked.includes(code), 'data-testid': `${testid}-${code}` }), label, hint }));
  const note = h('p', { class: 'note' });
  const el = h('fieldset', { class: 'checks' }, h('legend', {}, tr`What it may do`), boxes.length === 0 && h('p', { class: 'muted' }, tr`The owner has granted nothing yet that could be shared.`), boxes.map((b) => h('label', { class: 'check' }, b.input, h('span', {}, h('span', { class: 'strong' }, b.label), h('span', { class: 'muted small' }, b.hint)))), note);
  const self = {
    el, pointer: '/permissions',
    error(text) { el.classList.toggle('wrong', Boolean(text)); fill(note, text ? [icon('warn'), h('span', {}, text)] : ''); },
    focus: () => boxes[0]?.input.focus(),
    read() {
      const chosen = boxes.filter((b) => b.input.checked).map((b) => b.code);
      if (chosen.length === 0) throw wrong(self, tr`Choose what the partner may do.`);
      return chosen;
    },
  };
  return self;
}

/** Below a partner, of what is offered and of what is accepted. */
function changeForm({ path, granted, redraw }, share, place) {
  const checks = permissionChecks({ testid: 'change', granted, ticked: share.permissions });
  const save = button(tr`Save`, { look: 'primary', type: 'submit', testid: 'change-submit' });
  const form = h('form', { class: 'stack' }, checks.el, h('div', { class: 'actions' }, button(tr`Cancel`, { onClick: () => fill(place) }), save));
  bind(form, { fields: [checks], button: save, busy: tr`Saving…`, async submit() {
    await api.patch(`${path}/shares/${seg(share.id)}`, { permissions: checks.read() });
    toast(tr`Changed.`);
    await redraw();
  } });
  fill(place, form);
  checks.focus();
}

function shareForm({ site, path, granted }) {
  const kind = site.owner ? 'maintenance' : 'installation';
  const recipient = field({ label: tr`E-mail address of the partner`, pointer: '/recipient', type: 'email', maxlength: 254, autocomplete: 'off', testid: 'share-recipient' });
  const remarks = field({ label: tr`Remarks`, pointer: '/remarks', type: 'area', rows: 2, optional: true, maxlength: 1000, testid: 'share-remarks' });
  const checks = kind === 'maintenance' && permissionChecks({ testid: 'share', granted });
  const made = h('div', { class: 'stack made', 'aria-live': 'polite' });
  const save = button(tr`Share`, { look: 'primary', type: 'submit', testid: 'share-submit' });
  const form = h('form', { class: 'stack' }, recipient.el, checks && checks.el, remarks.el, h('div', { class: 'actions' }, save), made);
  bind(form, { fields: [recipient, remarks, checks].filter(Boolean), button: save, busy: tr`Sending…`, async submit() {
    if (!recipient.given) throw wrong(recipient, tr`Enter the partner’s e-mail address.`);
    const sent = await api.post(`${path}/shares`, { kind, recipient: recipient.given, ...(checks && { permissions: checks.read() }), ...(remarks.given && { remarks: remarks.given }) });
    fill(made, sentLink(sent, { testid: 'share-link', isMail: true, subject: site.name, note: tr`and good for three days` }));
  } });
  return h('details', {}, h('summary', { 'data-testid': 'share' }, kind === 'installation' ? tr`Share with an installation partner` : tr`Share with a maintenance partner`), form);
}

/** For the partner: help no longer. */
export function leaveCard({ site, path }) {
  const message = h('div', { class: 'form-message', role: 'alert' });
  return card(tr`Leave the site`, h('p', { class: 'muted small' }, tr`${site.company} shares this site with you. When you leave it nothing here changes for anybody else.`), message,
    h('div', { class: 'actions' }, button(tr`Leave site`, { testid: 'site-leave', async onClick() {
      fill(message);
      if (!await ask({ title: tr`Leave ${site.name}?`, text: tr`You see nothing of it any more. ${site.company} is told, and can share it again.`, action: tr`Leave` })) return;
      try { await api.post(`${path}/leave`); await refreshRights(); toast(tr`You have left ${site.name}.`); go('/sites'); } catch (problem) { fill(message, problemBox(problem)); }
    } })));
}
