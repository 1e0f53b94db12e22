"""QR codes as pictures: drawings of the box made to images, and made worse as a phone's camera makes them."""

import io
import re
import struct
import zlib

import numpy
from PIL import Image, ImageDraw, ImageFilter


def drawn(svg, module=8):
    """The image of a drawing (bytes of SVG): rectangles, and paths of moves and straight lines along the axes, as codes have them."""
    text = svg.decode()
    _, _, width, height = map(float, re.search(r'viewBox="([-\d. ]+)"', text).group(1).split())
    image = Image.new("L", (round(width * module), round(height * module)), 255)
    pencil = ImageDraw.Draw(image)
    for tag in re.findall(r"<(?:rect|path)\b[^>]*>", text):
        attributes = dict(re.findall(r'([\w-]+)="([^"]*)"', tag))
        shade = 255 if attributes.get("fill", "#000").lower() in ("#fff", "#ffffff", "white") else 0
        for polygon in outlines(attributes):
            pencil.polygon([(x * module, y * module) for x, y in polygon], fill=shade)
    return sharp(image, module)


def sharp(image, module):
    """Each module of one shade: polygons are drawn with their edges, a pixel too wide."""
    pixels = numpy.asarray(image)[module // 2::module, module // 2::module]
    return Image.fromarray(numpy.kron(pixels, numpy.ones((module, module), dtype=numpy.uint8)))


def outlines(attributes):
    """The corners of what a rect or path draws."""
    if "d" not in attributes:
        x, y, w, h = (float(attributes.get(name, 0)) for name in ("x", "y", "width", "height"))
        return [[(x, y), (x + w, y), (x + w, y + h), (x, y + h)]]
    found, x, y = [], 0.0, 0.0
    for command, numbers in re.findall(r"([MmLlHhVvZz])([^MmLlHhVvZz]*)", attributes["d"]):
        values = [float(one) for one in re.findall(r"-?[\d.]+", numbers)]
        base_x, base_y = (x, y) if command.islower() else (0.0, 0.0)
        if command in "Zz":
            continue
        if command in "Hh":
            x = base_x + values[0]
        elif command in "Vv":
            y = base_y + values[0]
        else:
            x, y = base_x + values[0], base_y + values[1]
        if command in "Mm":
            found.append([])
        found[-1].append((x, y))
    return found


def png(image):
    """As PNG."""
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def jpeg(image, quality=80):
    """As JPEG."""
    file = io.BytesIO()
    image.convert("RGB").save(file, "JPEG", quality=quality)
    return file.getvalue()


def photographed(image, degrees=9, size=(1280, 960), share=0.55):
    """As on a photograph: turned, on a grey table, in uneven light, not quite sharp, with noise."""
    side = round(min(size) * share)
    code = image.resize((side, side), Image.LANCZOS).convert("RGBA").rotate(degrees, expand=True, resample=Image.BICUBIC)
    table = Image.new("RGBA", size, (128, 120, 112, 255))
    table.alpha_composite(code, ((size[0] - code.width) // 2, (size[1] - code.height) // 2))
    pixels = numpy.asarray(table.convert("RGB").filter(ImageFilter.GaussianBlur(1.2))).astype(float)
    light = numpy.linspace(0.65, 1.0, size[0])[None, :, None]
    noise = numpy.random.default_rng(7).normal(0, 8, pixels.shape)
    return Image.fromarray(numpy.clip(pixels * light + noise, 0, 255).astype(numpy.uint8))


def empty(size=(1280, 960)):
    """A photograph without a code."""
    noise = numpy.random.default_rng(11).normal(120, 30, (*size[::-1], 3))
    return Image.fromarray(numpy.clip(noise, 0, 255).astype(numpy.uint8)).filter(ImageFilter.GaussianBlur(2))


def huge_png(side):
    """A black PNG of so many pixels each way, made without having them."""
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    packer, row = zlib.compressobj(9), bytes(1 + (side + 7) // 8)
    data = b"".join([packer.compress(row) for _ in range(side)] + [packer.flush()])
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
