// What the line carries, said where more cameras are being linked than that.
import { api } from './api.js';
import { tr } from './language.js';
import { sentence } from './parts.js';
import { may } from './store.js';

/** What is known of the line; null where it was not measured, or is not the caller's to see. */
export async function lineAdvice() {
  if (!may('view-box')) return null;
  try { return (await api.get('/storage/line')).advice ?? null; } catch { return null; }
}

/** A sentence where with `more` cameras besides those that are linked footage would wait often. */
export function lineWarning(advice, linked, more) {
  if (!advice || more === 0 || linked + more <= advice.standardChannels) return null;
  return sentence('attention', tr`Cameras that the line carries: ${advice.highChannels} in high or ${advice.standardChannels} in standard definition. With this ${linked + more} would be linked: footage will wait often.`);
}
