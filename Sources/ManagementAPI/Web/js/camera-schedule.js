// When a camera is armed: a switch, and always or a week of periods.
import { api, seg } from './api.js';
import { toast } from './dialog.js';
import { h } from './dom.js';
import { bind, toggle } from './form.js';
import { tr } from './language.js';
import { button } from './parts.js';
import { put, store } from './store.js';
import { weekEditor } from './week.js';

export function scheduleSection({ channelId, on }) {
  const now = () => store.channels.get(channelId);
  const path = `/channels/${seg(channelId)}`;
  let edited = false;

  const armed = toggle({ label: tr`Armed`, hint: tr`Only while armed are events recorded by themselves.`, on: now().armed, testid: 'armed', act: async (next) => put('channel', await api.patch(path, { armed: next })) });
  const week = weekEditor({ onChange() { edited = true; tell(); } });
  const save = button(tr`Save`, { look: 'primary', type: 'submit', testid: 'schedule-save' });
  const revert = button(tr`Undo changes`, { onClick() { edited = false; take(now()); } });

  function tell() {
    save.disabled = !edited || week.bad;
    revert.hidden = !edited;
  }

  let taken = '';
  function take(c) {
    armed.on = c.armed;
    armed.hint(c.armed && !c.armedNow ? tr`Armed, but not at this hour.` : tr`Only while armed are events recorded by themselves.`);
    const key = JSON.stringify(c.schedule);
    if (edited || (key === taken && revert.hidden)) return;
    taken = key;
    week.value = c.schedule;
    tell();
  }

  const form = h('form', { class: 'stack', 'data-testid': 'schedule-form' }, week.els, h('div', { class: 'actions' }, revert, save));
  bind(form, { fields: [week.field], button: save, busy: tr`Saving…`, after: tell, async submit() {
    const answer = await api.patch(path, { schedule: week.value });
    edited = false;
    put('channel', answer);
    toast(tr`Schedule saved.`);
  } });
  on('channel', (c) => { if (c.id === channelId) take(c); });
  take(now());
  return [armed.el, form];
}
