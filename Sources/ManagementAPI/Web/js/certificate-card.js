// The card of the box's certificate: which one browsers are shown, and another in its place.
import { api } from './api.js';
import { askForm, installForm } from './certificate-forms.js';
import { ask, toast } from './dialog.js';
import { fill, h, icon } from './dom.js';
import { full } from './format.js';
import { tr } from './language.js';
import { button, card, facts, problemBox, sentence } from './parts.js';
import { may, store } from './store.js';

const SOURCES = { own: tr`The box’s own, renewed by itself`, installed: tr`Installed here`, files: tr`Files that the configuration names` };

function shown(certificate) {
  const c = certificate;
  return h('div', { class: 'stack', 'data-testid': 'certificate-facts', 'data-source': c.source }, c.trouble && h('div', { 'data-testid': 'certificate-trouble' }, sentence('attention', c.trouble)),
    facts([[tr`Shown|a certificate`, SOURCES[c.source] ?? c.source], [tr`Names`, c.names.join(', ') || tr`none`], [tr`Valid until`, full(c.validUntil)], [tr`Issued by`, c.issuer],
      [tr`Fingerprint`, h('code', { class: 'wrap', 'data-testid': 'certificate-fingerprint' }, c.fingerprint), h('span', { class: 'muted small block-line' }, 'SHA-256')]]));
}

/** Who trusts the authority is not warned any more, whichever certificate of the box's own is shown. */
function authority() {
  return h('div', { class: 'stack' }, h('p', { class: 'muted small' }, tr`Browsers warn of the box’s own certificate until they trust the authority that issued it. Its file vouches for names of local networks only.`),
    h('ul', { class: 'muted small' }, h('li', {}, tr`On a phone: open the file; then trust it in the settings, under “CA certificate” on Android, and on an iPhone as a profile and under “Certificate Trust Settings”.`),
      h('li', {}, tr`On a PC: open the file and install it among the “Trusted Root Certification Authorities”; in Firefox import it in the settings under “Certificates”, “Authorities”.`)),
    h('div', { class: 'row wrap' }, h('a', { class: 'button long', href: '/api/v1/certificate/authority', download: '', 'data-testid': 'certificate-authority' }, icon('download'), h('span', {}, tr`Download the box’s authority`))));
}

/** The card, and `load`, which gets what it shows. */
export function certificateCard() {
  const place = h('div', { class: 'stack' });
  const message = h('div', { class: 'form-message', role: 'alert' });
  const forms = h('div', { class: 'stack certificate-forms' });
  const el = card(tr`Certificate`, h('div', { class: 'stack' }, place, message, forms));
  el.dataset.testid = 'certificate';

  async function backToOwn() {
    if (!await ask({ title: tr`Back to the box’s own certificate?`, text: tr`The installed certificate and its key are deleted. Browsers that do not trust the box’s authority warn again.`, action: tr`Back to the box’s own` })) return;
    fill(message);
    try { await api.delete('/certificate'); toast(tr`The box’s own certificate is shown again.`); await load(); } catch (problem) { fill(message, problemBox(problem)); }
  }

  function drawForms(certificate) {
    if (!may('configure-box')) { fill(forms); return; }
    if (certificate.isConfigured) {
      fill(forms, h('p', { class: 'muted small', 'data-testid': 'certificate-configured' }, tr`The configuration names files (http.certificate, http.certificate-key): whoever renews them there renews what is shown, and nothing is installed here.`));
      return;
    }
    const install = installForm({ isRequested: certificate.isRequested, async done() { toast(tr`The certificate is installed. It is shown from the next connection on.`); await load(); } });
    const asking = askForm({ names: certificate.names, asked() { install.expect(true); } });
    fill(forms, certificate.isRequested && sentence('off', tr`A certificate was asked for; its key waits in the box. Install what the authority sends.`), install.el, asking,
      certificate.source === 'installed' && h('div', { class: 'row wrap' }, button(tr`Back to the box’s own`, { testid: 'certificate-own', onClick: backToOwn })));
  }

  async function load() {
    if (!store.system.tls) {
      fill(place, sentence('off', tr`The box speaks no TLS itself (http.tls): a proxy before it has the certificate.`));
      return;
    }
    try {
      const certificate = await api.get('/certificate');
      fill(place, shown(certificate), authority());
      drawForms(certificate);
    } catch (problem) {
      fill(place, problemBox(problem));
      fill(forms);
    }
  }
  return { el, load };
}
