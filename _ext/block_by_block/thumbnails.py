"""A figure of the package as a small picture file: its shapes, in the theme of the page.

At a third of its size nobody reads the text of a figure, and half of a figure's bytes are text.
The thumbnail leaves it out, thins curves to what a pixel shows and shrinks images. A file cannot
see the theme of the page around it: it is drawn in light colours, and in dark ones where its
address ends in ``#dark``.
"""

import base64
import io
import re
import xml.etree.ElementTree as ET
from collections import Counter

from PIL import Image

SVG = "{http://www.w3.org/2000/svg}"
GLYPH = "scale(0.015625)"
PICTURE = re.compile(r'<svg [^>]*class="mbx-.*?</svg>', re.DOTALL)
TOKEN = re.compile(r"[A-Za-z]|[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
SIZE = re.compile(r"\b(?:width|max-width|height|cursor):[^;]+;?")
NAME = re.compile(r"#[\w-]+")
COLOUR = re.compile(r"--mbx-(\w+)")
STRAIGHT = re.compile(r"(?:[ML]-?[\d.]+[ -][\d.]+|z)+")
SCALE = 0.6
"""Pixels of a thumbnail for each point of its figure."""
STEP = 2.8
"""Points of a curve that are closer than this, in points of the figure, become one."""
CELL = 3.0
"""Of marks that are alike, one is kept in each square of this size."""

ET.register_namespace("", SVG.strip("{}"))


def first_picture(html: str) -> str | None:
    """The first figure of the package in some HTML: of a knob, the frame that is shown first."""
    found = PICTURE.search(html)
    return found[0] if found else None


def thumbnail(svg: str) -> str:
    """The small picture of a figure that :class:`multiconvex.viz.Picture` drew."""
    if "xmlns" not in svg.partition(">")[0]:
        svg = svg.replace("<svg", f'<svg xmlns="{SVG.strip("{}")}"', 1)
    root = ET.fromstring(svg)
    _drop_text(root)
    _drop_hidden_marks(root)
    for element in root.iter():
        if "d" in element.attrib:
            element.set("d", thin(element.get("d")))
        elif element.tag == f"{SVG}image":
            side = max(float(element.get("width")), float(element.get("height")))
            element.set("href", shrink(element.get("href"), max(16, round(SCALE * side))))
    _shorten_names(root)
    _dress(root)
    return ET.tostring(root, encoding="unicode")


def _drop_text(root):
    glyphs = {f"#{path.get('id')}" for path in root.iter() if path.get("transform") == GLYPH}
    for parent in list(root.iter())[::-1]:
        for child in list(parent):
            written = child.get("transform") == GLYPH or child.get("href") in glyphs
            empty = child.tag in (f"{SVG}g", f"{SVG}defs") and not len(child)
            if written or empty:
                parent.remove(child)


def _drop_hidden_marks(root):
    seen = set()
    for parent in list(root.iter()):
        for mark in [child for child in parent if child.tag == f"{SVG}use"]:
            x, y = float(mark.get("x", 0)), float(mark.get("y", 0))
            key = (mark.get("href"), mark.get("style"), round(x / CELL), round(y / CELL))
            if key in seen:
                parent.remove(mark)
            seen.add(key)
            mark.attrib |= {"x": _decimal(x), "y": _decimal(y)}


def _shorten_names(root):
    """Identifiers of one letter or two: this drawing is alone in its file."""
    old = [element.get("id") for element in root.iter() if element.get("id")]
    new = {f"#{name}": f"#i{number}" for number, name in enumerate(old)}
    for element in root.iter():
        for name, value in element.attrib.items():
            if name == "id":
                element.set(name, new[f"#{value}"][1:])
            elif name in ("href", "clip-path", "style"):
                element.set(name, NAME.sub(lambda found: new.get(found[0], found[0]), value))


def thin(path: str) -> str:
    """A path with one decimal, without the points of a broken line that fall together.

    Examples
    --------
    >>> thin("M0 0.04L0.3 0L0.5 0.1L9.96 1")
    'M0 0L10 1'
    """
    tokens = TOKEN.findall(path)
    straight = STRAIGHT.fullmatch(path.replace(" -", "-"))
    return _join(_without_close_points(tokens) if straight else tokens)


def _without_close_points(tokens: list[str]) -> list[str]:
    kept, k, last = [], 0, (float("inf"), 0.0)
    while k < len(tokens):
        if tokens[k] == "z":
            kept.append("z")
            k += 1
            continue
        command, x, y = tokens[k], float(tokens[k + 1]), float(tokens[k + 2])
        ends = k + 3 == len(tokens) or tokens[k + 3] != "L"
        if command == "M" or ends or max(abs(x - last[0]), abs(y - last[1])) >= STEP:
            kept += tokens[k : k + 3]
            last = (x, y)
        k += 3
    return kept


def _join(tokens: list[str]) -> str:
    words = []
    for token in tokens:
        if token.isalpha():
            words.append(token)
            continue
        number = _decimal(float(token))
        spaced = words and not words[-1].isalpha() and not number.startswith("-")
        words.append(" " + number if spaced else number)
    return "".join(words)


def _decimal(number: float) -> str:
    text = f"{number:.1f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def shrink(uri: str, side: int) -> str:
    """An embedded image with at most `side` pixels on a side."""
    image = Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))
    if max(image.size) <= side:
        return uri
    image = image.convert("RGBA")
    image.thumbnail((side, side), Image.Resampling.BOX)
    opaque = image.getextrema()[3][0] == 255
    kind, options = ("jpeg", {"quality": 75}) if opaque else ("png", {"optimize": True})
    buffer = io.BytesIO()
    image.convert("RGB" if opaque else "RGBA").save(buffer, format=kind, **options)
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _dress(root):
    """Declare the colours of both themes, and each style that is used often once."""
    from multiconvex.viz import palette

    names = sorted(set(COLOUR.findall(ET.tostring(root, encoding="unicode"))))
    light, dark = (
        "".join(f"--mbx-{name}:{theme[name]};" for name in names)
        for theme in (palette.LIGHT, palette.DARK)
    )
    width, height = root.get("viewBox").split()[2:]
    for name in ("class", "role", "aria-label"):
        root.attrib.pop(name, None)
    root.attrib |= {"id": "dark", "width": width, "height": height}
    root.set("style", SIZE.sub("", root.get("style")))
    rules = ET.Element(f"{SVG}style")
    rules.text = f"svg{{{light}}}svg:target{{{dark}}}{_classes(root)}"
    root.insert(0, rules)


def _classes(root) -> str:
    """Turn styles that are written more than twice into classes, and return their rules."""
    counts = Counter(element.get("style") for element in root.iter() if element.get("style"))
    often = {style: f"s{k}" for k, (style, n) in enumerate(counts.most_common()) if n > 2}
    for element in root.iter():
        if element.get("style") in often:
            element.set("class", often[element.attrib.pop("style")])
    return "".join(f".{name}{{{style}}}" for style, name in often.items())
