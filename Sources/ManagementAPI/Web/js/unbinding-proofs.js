// What proves that somebody has a device in their hands: a photo of its label, and a file that it exports.
import { api, seg } from './api.js';
import { h } from './dom.js';
import { field, wrong } from './form.js';
import { tr } from './language.js';
import { shrunk } from './photo.js';

async function bytesOf(place) {
  const [file] = place.input.files;
  let kept = file;
  if (file.type.startsWith('image/')) {
    try { kept = await shrunk(file); } catch { throw wrong(place, tr`This browser cannot read the picture. Take it as JPEG or PNG.`); }
  }
  return new Uint8Array(await kept.arrayBuffer());
}

/** Fields for both kinds of proof; those that are not needed are hidden. */
export function proofFields(testid) {
  const label = field({ label: tr`Photo of the label`, type: 'file', accept: 'image/*', capture: 'environment', testid: `${testid}-label`, hint: tr`The label on the device, with its serial number to be read.` });
  const file = field({ label: tr`File from the device`, type: 'file', accept: 'image/*,.xml,.txt', testid: `${testid}-file`, hint: tr`Its QR code as a picture, or the XML that it exports. It is needed because you are not in the box’s own network.` });
  const preview = h('img', { class: 'proof', alt: tr`The photo that you have chosen`, hidden: true });
  let shown = null;
  label.input.addEventListener('change', () => {
    if (shown) URL.revokeObjectURL(shown);
    const [photo] = label.input.files;
    shown = photo ? URL.createObjectURL(photo) : null;
    preview.hidden = !shown;
    if (shown) preview.src = shown;
  });
  preview.addEventListener('error', () => { preview.hidden = true; });
  label.el.append(preview);
  const kinds = { label, 'device-file': file };

  /** What still has to come is asked for; the first of it that is not chosen, with what to do. */
  function lacking(missing) {
    const asked = { label: tr`Take a photo of the label.`, 'device-file': tr`Choose a file that the device has exported.` };
    const kind = missing.find((one) => kinds[one] && kinds[one].input.files.length === 0);
    return kind ? wrong(kinds[kind], asked[kind]) : null;
  }

  return {
    fields: [label, file],
    lacking,
    need(missing) { for (const [kind, { el }] of Object.entries(kinds)) el.hidden = !missing.includes(kind); },
    /** Sends what is chosen and has not come yet; the request as it is then. */
    async send(request) {
      for (const [kind, place] of Object.entries(kinds)) {
        if (!request.missing.includes(kind) || place.input.files.length === 0) continue;
        const bytes = await bytesOf(place);
        try { request = await api.put(`/unbindings/${seg(request.id)}/${kind}`, bytes); } catch (problem) {
          throw problem.status >= 400 && problem.status < 500 && problem.status !== 401 ? wrong(place, problem.detail) : problem;
        }
      }
      return request;
    },
  };
}
