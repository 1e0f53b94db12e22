"""Whether words over pictures can be read whatever the picture shows: snow at noon is the worst of it."""

import io
import re

from PIL import Image

LEAST = 4.5  # WCAG 2.1, 1.4.3
# Makes every picture white and the words over them transparent, and says where they are and in which colour they were.
SNOW = """
for (const one of document.querySelectorAll('#content :is(img, video, canvas)')) one.style.filter = 'brightness(0) invert(1)';
const found = [];
const walk = document.createTreeWalker(document.querySelector('#content'), NodeFilter.SHOW_TEXT);
while (walk.nextNode()) {
  const el = walk.currentNode.parentElement;
  const picture = el.closest('.frame, .tile, .wall-tile');
  if (!picture || el.closest('.spoken, option') || !walk.currentNode.nodeValue.trim() || !el.checkVisibility({visibilityProperty: true})) continue;
  const range = document.createRange();
  range.selectNodeContents(walk.currentNode);
  const [a, b] = [range.getBoundingClientRect(), el.getBoundingClientRect()];
  const box = [Math.max(a.left, b.left, 0), Math.max(a.top, b.top, 0), Math.min(a.right, b.right, innerWidth), Math.min(a.bottom, b.bottom, innerHeight)];
  if (box[2] - box[0] > 4 && box[3] - box[1] > 4) found.push({el, text: walk.currentNode.nodeValue.trim(), colour: getComputedStyle(el).color, box});
}
for (const {el} of found) for (const name of ['color', 'text-shadow']) el.style.setProperty(name, name === 'color' ? 'transparent' : 'none', 'important');
return found.map(({text, colour, box}) => ({text, colour, box}));
"""


def light(colour):
    """A colour's relative luminance, as WCAG has it."""
    parts = [one / 255 for one in colour]
    red, green, blue = (one / 12.92 if one <= 0.03928 else ((one + 0.055) / 1.055) ** 2.4 for one in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    """The contrast of two colours."""
    low, high = sorted((light(one), light(other)))
    return (high + 0.05) / (low + 0.05)


def unreadable(browser):
    """The words over white pictures that have too little contrast; and how many words there are. The page is spoilt by it."""
    words = browser.script(SNOW)
    image = Image.open(io.BytesIO(browser.driver.get_screenshot_as_png())).convert("RGB")
    found = []
    for word in words:
        colour = tuple(int(float(part)) for part in re.findall(r"[\d.]+", word["colour"])[:3])
        left, top, right, bottom = word["box"]
        quarter = (bottom - top) / 4  # letters begin below the top of their line
        behind = image.crop((round(left), round(top + quarter), round(right), round(bottom - quarter)))
        worst = min(contrast(colour, one) for _, one in behind.getcolors(behind.width * behind.height))
        if worst < LEAST:
            found.append(f"{word['text']!r} has {worst:.1f} over a white picture")
    return found, len(words)
