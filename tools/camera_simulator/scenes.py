"""Pictures of the simulated camera: still scenes, a walking figure, the sync mark and a clock, as I420 frames."""

import numpy as np

SYNC_PERIOD = 10.0  # seconds between two sync marks
SYNC_LENGTH = 0.1  # seconds a sync mark (and its beep) lasts
FIGURE_SHARE = 6  # the figure is 1/6 of the picture's height
CROSSING = 8.0  # seconds the figure takes to cross the picture
NOISE_SIGMA = 2.0  # sensor noise in luma steps


class Canvas:
    """An RGB picture drawn in relative coordinates, 0 to 1 in both directions."""

    def __init__(self, width, height, seed):
        self.width, self.height = width, height
        self.pixels = np.full((height, width, 3), 128, np.float32)
        self.random = np.random.default_rng(seed)

    def area(self, left, top, right, bottom):
        """The view of the pixels of a rectangle."""
        x0, x1 = int(left * self.width), max(int(left * self.width) + 1, int(right * self.width))
        y0, y1 = int(top * self.height), max(int(top * self.height) + 1, int(bottom * self.height))
        return self.pixels[y0:y1, x0:x1]

    def rectangle(self, left, top, right, bottom, colour, grain=0.0):
        """Fill a rectangle, with blotches of `grain` steps so that it has texture."""
        part = self.area(left, top, right, bottom)
        part[:] = colour
        if grain and part.size:
            part += self.texture(part.shape[0], part.shape[1], grain)[:, :, None]

    def texture(self, height, width, grain):
        """Fixed blotches at three sizes, the finest about 0.2 % of the picture's width."""
        total = np.zeros((height, width), np.float32)
        for divisor, weight in ((480, 0.6), (120, 0.8), (30, 1.0)):
            step = max(1, self.width // divisor)
            coarse = self.random.normal(0, grain * weight, (height // step + 2, width // step + 2))
            total += np.repeat(np.repeat(coarse, step, 0), step, 1)[:height, :width]
        return total

    def gradient(self, left, top, right, bottom, upper, lower):
        """Fill a rectangle with a vertical gradient."""
        part = self.area(left, top, right, bottom)
        ramp = np.linspace(0, 1, part.shape[0], dtype=np.float32)[:, None, None]
        part[:] = np.array(upper, np.float32) * (1 - ramp) + np.array(lower, np.float32) * ramp


def draw_yard(canvas):
    """A house wall with a door and windows, a hedge and gravel."""
    canvas.gradient(0, 0, 1, 0.4, (110, 150, 205), (190, 205, 215))
    canvas.rectangle(0, 0.3, 1, 0.62, (52, 84, 44), 14)
    canvas.rectangle(0.30, 0.12, 0.78, 0.62, (176, 160, 138), 5)
    for row in range(12):
        canvas.rectangle(0.30, 0.12 + row * 0.042, 0.78, 0.124 + row * 0.042, (150, 134, 116))
    for left in (0.35, 0.63):
        canvas.rectangle(left, 0.22, left + 0.1, 0.42, (228, 226, 220))
        canvas.rectangle(left + 0.007, 0.232, left + 0.093, 0.408, (48, 58, 72), 4)
    canvas.rectangle(0.49, 0.27, 0.58, 0.62, (92, 52, 34), 5)
    canvas.rectangle(0, 0.62, 1, 1, (136, 128, 118), 12)
    canvas.rectangle(0, 0.62, 0.22, 0.8, (84, 110, 60), 12)


def draw_office(canvas):
    """A room with a window, desks, screens and a carpet."""
    canvas.gradient(0, 0, 1, 0.6, (196, 198, 196), (170, 172, 170))
    canvas.rectangle(0.06, 0.08, 0.40, 0.42, (232, 234, 236))
    for pane in range(3):
        canvas.gradient(0.07 + pane * 0.11, 0.095, 0.17 + pane * 0.11, 0.405, (140, 176, 214), (150, 170, 150))
    canvas.rectangle(0.82, 0.14, 0.94, 0.6, (122, 90, 58), 4)
    canvas.rectangle(0, 0.6, 1, 1, (74, 82, 98), 9)
    for left in (0.1, 0.38, 0.62):
        canvas.rectangle(left, 0.55, left + 0.2, 0.59, (164, 128, 88), 3)
        canvas.rectangle(left + 0.01, 0.59, left + 0.03, 0.78, (80, 80, 84))
        canvas.rectangle(left + 0.17, 0.59, left + 0.19, 0.78, (80, 80, 84))
        canvas.rectangle(left + 0.05, 0.42, left + 0.15, 0.53, (24, 26, 30))
        canvas.rectangle(left + 0.055, 0.43, left + 0.145, 0.52, (60, 96, 140), 10)


def draw_shop(canvas):
    """Shelves full of coloured packets over a tiled floor."""
    canvas.rectangle(0, 0, 1, 0.66, (206, 200, 186), 2)
    for shelf in range(4):
        top = 0.06 + shelf * 0.145
        for slot in range(34):
            left = 0.05 + slot * 0.0265
            tall = 0.06 + 0.05 * canvas.random.random()
            colour = canvas.random.integers(40, 215, 3)
            canvas.rectangle(left, top + 0.118 - tall, left + 0.022, top + 0.118, colour, 5)
        canvas.rectangle(0.04, top + 0.118, 0.96, top + 0.132, (94, 88, 82))
    for row in range(6):
        for column in range(16):
            grey = 150 if (row + column) % 2 else 108
            canvas.rectangle(column / 16, 0.66 + row * 0.057, (column + 1) / 16, 0.717 + row * 0.057, (grey, grey, grey - 8), 4)
    canvas.rectangle(0, 0.995, 1, 1, (108, 108, 100))


def draw_garage(canvas):
    """An underground garage: pillars, lamps, parking lines and a parked car."""
    canvas.gradient(0, 0, 1, 0.5, (70, 72, 76), (104, 104, 104))
    for lamp in range(4):
        canvas.rectangle(0.08 + lamp * 0.24, 0.05, 0.2 + lamp * 0.24, 0.065, (224, 224, 214))
    canvas.rectangle(0, 0.5, 1, 1, (92, 94, 96), 8)
    for pillar in (0.16, 0.5, 0.84):
        canvas.rectangle(pillar - 0.03, 0.1, pillar + 0.03, 0.66, (148, 146, 140), 6)
        canvas.rectangle(pillar - 0.03, 0.52, pillar + 0.03, 0.58, (206, 176, 40))
    for line in range(5):
        canvas.rectangle(0.02 + line * 0.24, 0.72, 0.026 + line * 0.24, 0.98, (206, 206, 200))
    canvas.rectangle(0.58, 0.44, 0.76, 0.52, (30, 34, 42), 3)
    canvas.rectangle(0.55, 0.5, 0.79, 0.62, (40, 70, 128), 4)


SCENES = {"yard": draw_yard, "office": draw_office, "shop": draw_shop, "garage": draw_garage}

DIGITS = {
    "0": "0E11131519110E", "1": "040C040404040E", "2": "0E11010204081F", "3": "1F02040201110E", "4": "02060A121F0202",
    "5": "1F101E0101110E", "6": "0608101E11110E", "7": "1F010204080808", "8": "0E11110E11110E", "9": "0E11110F01020C",
    "-": "0000001F000000", ":": "000C0C000C0C00", ".": "00000000000C0C", " ": "00000000000000",
}


class Scene:
    """Makes I420 frames of one scene: still background, sensor noise and, when asked, figure, sync mark and clock."""

    def __init__(self, name, width, height, seed=1):
        self.width, self.height = width, height
        canvas = Canvas(width, height, seed)
        SCENES[name](canvas)
        self.mark_width = max(4, width * 64 // 1920)
        self.mark_height = max(4, height * 64 // 1080)
        canvas.pixels[height - self.mark_height * 5 // 4:, width - self.mark_width * 5 // 4:] = 40
        self.luma, self.blue, self.red = to_i420(canvas.pixels)
        np.clip(self.luma, 28, 224, out=self.luma)
        self.random = np.random.default_rng(seed + 1)
        fields = self.random.normal(0, NOISE_SIGMA, (3, height + 64, width + 64))
        self.noise = np.clip(np.rint(fields), -11, 11).astype(np.int8).view(np.uint8)
        self.figures = [figure_patch(height // FIGURE_SHARE // 2 * 2, step / 8) for step in range(8)]

    def frame(self, walking=None, mark=False, clock=None):
        """One frame as bytes. `walking` is the time in seconds since the figure set out, or None."""
        noise = self.noise[self.random.integers(3)]
        top, left = self.random.integers(64, size=2)
        luma = self.luma + noise[top:top + self.height, left:left + self.width]
        blue, red = self.blue, self.red
        if walking is not None:
            blue, red = blue.copy(), red.copy()
            self.draw_figure(luma, blue, red, walking)
        if mark:
            luma[-self.mark_height:, -self.mark_width:] = 235
        if clock:
            self.draw_clock(luma, clock)
        return luma.tobytes() + blue.tobytes() + red.tobytes()

    def draw_figure(self, luma, blue, red, walking):
        """Put the figure where it is `walking` seconds after it set out."""
        mask, figure_luma, figure_blue, figure_red = self.figures[int(walking * 8) % 8]
        height, width = mask.shape
        share = (walking % CROSSING) / CROSSING
        left = int((0.02 + 0.96 * share) * (self.width - width)) // 2 * 2
        top = int(self.height * 0.86 - height) // 2 * 2
        area = luma[top:top + height, left:left + width]
        area[mask] = (figure_luma[mask].astype(np.int16) + (area[mask] & 3)).astype(np.uint8)
        small = mask[::2, ::2]
        for plane, colour in ((blue, figure_blue), (red, figure_red)):
            part = plane[top // 2:(top + height) // 2, left // 2:(left + width) // 2]
            part[small] = colour[::2, ::2][small]

    def draw_clock(self, luma, text):
        """Write digits in white on black in the upper left corner."""
        scale = max(1, self.height // 270)
        rows = np.zeros((9, len(text) * 6 + 2), np.uint8)
        for index, character in enumerate(text):
            glyph = bytes.fromhex(DIGITS.get(character, DIGITS[" "]))
            for row, bits in enumerate(glyph):
                for column in range(5):
                    rows[row + 1, index * 6 + column + 1] = (bits >> (4 - column)) & 1
        picture = np.repeat(np.repeat(rows, scale, 0), scale, 1)[:self.height, :self.width - 16]
        luma[8:8 + picture.shape[0], 8:8 + picture.shape[1]] = np.where(picture, 230, 20)


def figure_patch(height, phase):
    """A person of the given height in step `phase` (0 to 1): mask, luma, Cb and Cr."""
    width = height // 2 // 2 * 2
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    y, x = y / height, (x - width / 2) / height
    swing = 0.13 * np.sin(2 * np.pi * phase)
    head = (x / 0.065) ** 2 + ((y - 0.085) / 0.085) ** 2 <= 1
    body = (np.abs(x) < 0.115) & (y >= 0.17) & (y < 0.55)
    arms = (np.abs(np.abs(x) - 0.13 - np.abs(swing) * (y - 0.2)) < 0.03) & (y >= 0.19) & (y < 0.52)
    legs = np.zeros_like(head)
    for side in (-1, 1):
        middle = side * 0.045 + side * swing * (y - 0.5) / 0.5
        legs |= (np.abs(x - middle) < 0.045) & (y >= 0.53)
    luma, blue, red = (np.full((height, width), value, np.uint8) for value in (32, 128, 128))
    for part, colour in ((body | arms, (196, 60, 168)), (legs, (34, 136, 124)), (head, (150, 112, 150))):
        luma[part], blue[part], red[part] = colour
    return head | body | arms | legs, luma, blue, red


def to_i420(pixels):
    """RGB to limited-range BT.709 I420 planes."""
    pixels = np.clip(pixels, 0, 255)
    r, g, b = pixels[..., 0], pixels[..., 1], pixels[..., 2]
    full = 0.2126 * r + 0.7152 * g + 0.0722 * b
    luma = np.rint(16 + full * 219 / 255).astype(np.uint8)
    halves = []
    for colour, scale in ((b, 1.8556), (r, 1.5748)):
        difference = 128 + (colour - full) / scale * 224 / 255
        height, width = difference.shape
        small = difference.reshape(height // 2, 2, width // 2, 2).mean((1, 3))
        halves.append(np.rint(small).astype(np.uint8))
    return luma, halves[0], halves[1]
