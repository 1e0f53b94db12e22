// A word about devices that are just being added, or were added last, with the way back to them.
import { fill, h, icon } from './dom.js';
import { count, when } from './format.js';
import { tr } from './language.js';
import { bar, link } from './parts.js';
import { store } from './store.js';

/** How far an onboarding is. */
export function progress(job) {
  const of = (state) => job.items.filter((i) => i.state === state).length;
  const [added, failed] = [of('added'), of('failed')];
  return { all: job.items.length, added, failed, settled: added + failed };
}

/** What came of it. */
export const needsYou = (n) => count(n, 'needs you', 'need you');
export const addedWords = (p) => (p.added ? tr`${p.added} of ${count(p.all, 'device')} added` : p.all === 1 ? tr`The device could not be added` : tr`None of ${p.all} devices could be added`);

/** `always`: the last result stays linked; otherwise only while one runs, or for an hour while something of it failed. */
export function onboardingBanner({ on, always = false }) {
  const el = h('div', { class: 'banner-place', 'data-testid': 'onboarding-banner', hidden: true });
  let drawn = '';
  function draw() {
    const job = [...store.onboardings.values()].at(-1);
    const p = job && progress(job);
    const recent = job && Date.now() - Date.parse(job.startedAt) < 3600000;
    el.hidden = !job || (job.done && !always && !(p.failed && recent));
    const key = el.hidden ? '' : JSON.stringify([job.id, job.done, p]);
    if (key === drawn) return;
    drawn = key;
    if (el.hidden) { fill(el); return; }
    const words = job.done
      ? `${addedWords(p)} ${when(job.startedAt)}${p.added && p.failed ? `; ${needsYou(p.failed)}` : ''}.`
      : `${tr`Adding devices: ${p.settled} of ${p.all} tried`}${p.failed ? `, ${needsYou(p.failed)}` : ''}.`;
    fill(el, h('div', { class: `banner ${p.failed ? 'attention' : ''}` }, icon(p.failed ? 'warn' : job.done ? 'check' : 'plus'),
      h('div', { class: 'grow' }, h('p', {}, words), !job.done && bar(p.settled / p.all, tr`Devices done`)),
      link(`#/onboarding/${encodeURIComponent(job.id)}`, 'more-link', job.done ? tr`See how it went` : tr`Watch|how devices are added`, icon('next'))));
  }
  on('onboarding', draw);
  on('resync', draw);
  draw();
  return el;
}
