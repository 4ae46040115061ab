"""The picture that goes with a shared link: the title of a page beside a figure of it."""

import io
import re
from pathlib import Path

import resvg_py
from matplotlib import get_data_path
from PIL import Image, ImageDraw, ImageFont

from multiconvex.viz.palette import LIGHT

SIZE = (1200, 630)
COLOURS = 128
BANDS = ((0.0, "c0"), (0.55, "c1"), (0.78, "c2"), (0.92, "c3"))
MARGIN, BAND, TEXT_WIDTH = 56, 14, 400
VARIABLE = re.compile(r"var\(--(\w+)\)")
DECLARATION = re.compile(r"--\w+:[^;]*;")
FONTS = Path(get_data_path()) / "fonts/ttf"


def draw_card(title: str, part: str, svg: str) -> bytes:
    """A PNG of 1200 by 630 pixels in light colours.

    Parameters
    ----------
    title, part : str
        What the page is called, and where in the book it stands.
    svg : str
        An ``<svg>`` element; colours of the palette may be variables, as on a page.
    """
    card = Image.new("RGB", SIZE, LIGHT["surface"])
    draw = ImageDraw.Draw(card)
    for start, name in BANDS:
        draw.rectangle((start * SIZE[0], 0, SIZE[0], BAND), fill=LIGHT[name])
    _write(draw, title, part)
    left, top = 2 * MARGIN + TEXT_WIDTH, BAND + MARGIN // 2
    room = SIZE[0] - left - MARGIN // 2, SIZE[1] - top - MARGIN // 2
    figure = rasterise(svg, *room)
    place = left + (room[0] - figure.width) // 2, top + (room[1] - figure.height) // 2
    card.paste(figure, place, figure)
    buffer = io.BytesIO()
    flat = card.quantize(COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    flat.save(buffer, format="png", optimize=True)
    return buffer.getvalue()


def rasterise(svg: str, width: int, height: int) -> Image.Image:
    """Pixels of an ``<svg>`` element, as large as fits, on a transparent ground."""
    painted = VARIABLE.sub(lambda match: LIGHT[match[1]], DECLARATION.sub("", svg))
    across, down = (float(number) for number in re.search(r'viewBox="([^"]+)"', svg)[1].split()[2:])
    scale = min(width / across, height / down)
    pixels = resvg_py.svg_to_bytes(
        svg_string=painted, width=round(across * scale), skip_system_fonts=True
    )
    return Image.open(io.BytesIO(bytes(pixels))).convert("RGBA")


def _write(draw, title, part):
    heading, small = _font("DejaVuSerif-Bold", 46), _font("DejaVuSans", 24)
    while len(lines := _wrapped(title, heading)) > 5:
        heading = heading.font_variant(size=heading.size - 2)
    height = 1.25 * heading.size
    top = (SIZE[1] - height * len(lines)) / 2
    draw.text((MARGIN, top - 2 * small.size), part, LIGHT["muted"], small)
    for number, line in enumerate(lines):
        draw.text((MARGIN, top + number * height), line, LIGHT["ink"], heading)
    draw.text((MARGIN, SIZE[1] - MARGIN - small.size), "Block by Block", LIGHT["c0"], small)


def _font(name, size):
    return ImageFont.truetype(FONTS / f"{name}.ttf", size)


def _wrapped(text, font):
    """Lines of words that are no wider than the column of text, unless a word is."""
    lines = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and font.getlength(longer) <= TEXT_WIDTH:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines
