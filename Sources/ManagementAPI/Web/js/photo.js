// Pictures that are sent to the box: made small before.
import { h } from './dom.js';

const LARGEST = 1600; // pixels: what is printed can be read, and it is sent in a moment over a bad line

/** A picture as JPEG, upright, small enough, and without what the phone writes into it. */
export async function shrunk(file) {
  const picture = await createImageBitmap(file);
  const scale = Math.min(1, LARGEST / Math.max(picture.width, picture.height));
  const [width, height] = [picture.width, picture.height].map((n) => Math.max(1, Math.round(n * scale)));
  const canvas = h('canvas', { width, height });
  const draw = canvas.getContext('2d');
  draw.fillStyle = 'white'; // behind what is transparent
  draw.fillRect(0, 0, width, height);
  draw.drawImage(picture, 0, 0, width, height);
  picture.close();
  return new Promise((resolve, reject) => { canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error('no JPEG'))), 'image/jpeg', 0.85); });
}
