"""From matplotlib's SVG to a small one that can share a page with many others.

The drawing is unchanged. What matplotlib writes for a stand-alone file is removed (metadata,
comments, a style rule for every element of the page), coordinates keep two decimals, identifiers
are those of this figure only, images are encoded compactly, and palette colours become variables
declared once, on the root element.
"""

import base64
import hashlib
import io
import re
import xml.etree.ElementTree as ET

import numpy as np
from PIL import Image

from .palette import LIGHT, css_color

_SVG = "{http://www.w3.org/2000/svg}"
_HREF = "{http://www.w3.org/1999/xlink}href"
_NAMES = {hex_color: name for name, hex_color in LIGHT.items()}
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_PATH_TOKEN = re.compile(rf"[A-Za-z]|{_NUMBER.pattern}")
_TRANSFORM = re.compile(r"(\w+)\(([^)]*)\)")
_REFERENCE = re.compile(r"(?:^|url\()#([\w.-]+)")
_HEX = re.compile(r"#[0-9a-fA-F]{6}\b")
_PAINT = ("fill", "stroke")
_PHOTOGRAPH = 150 * 150  # pixels above which an image of many colours is written as JPEG
_SHAPES = {_SVG + tag for tag in ("path", "use", "rect", "circle", "polygon", "text")}

ET.register_namespace("", _SVG.strip("{}"))


def compact(text, alt):
    """Rewrite matplotlib's SVG `text` as an inline element described by `alt`.

    Parameters
    ----------
    text : str
        What ``Figure.savefig(format="svg")`` wrote.
    alt : str
        The accessible name of the picture.

    Returns
    -------
    str
        One ``<svg>`` element whose identifiers start with a hash of its content.
    """
    root = ET.fromstring(text)
    for element in list(root.iter()):
        _shorten_attributes(element)
    _remove_clutter(root)
    names = sorted({name for element in root.iter() for name in _themed(element)})
    _dress_root(root, names, alt)
    targets = _referenced(root)
    digest = hashlib.sha256(ET.tostring(root)).hexdigest()[:8]
    _rename(targets, root, f"m{digest}-")
    return ET.tostring(root, encoding="unicode")


def stray_colors(svg):
    """Colours written as such in an SVG of :func:`compact`: they ignore the reader's theme."""
    root = ET.fromstring(svg)
    found = set()

    def visit(element, filled):
        style = element.get("style", "")
        found.update(_HEX.findall(style))
        filled = filled or "fill" in style
        if element.tag in _SHAPES and not filled:
            found.add("#000000")
        for child in element:
            visit(child, filled or element.tag == _SVG + "defs")

    for child in root:
        visit(child, False)
    return tuple(sorted(found))


def _shorten_attributes(element):
    element.text = element.tail = None
    if _HREF in element.attrib:
        element.set("href", element.attrib.pop(_HREF))
    for name in ("x", "y", "width", "height"):
        if name in element.attrib and element.tag != _SVG + "svg":
            element.set(name, _decimals(element.get(name)))
    if "d" in element.attrib:
        element.set("d", _short_path(element.get("d")))
    if "transform" in element.attrib:
        _shorten_transform(element)
    paints = [f"{name}:{element.attrib.pop(name)}" for name in _PAINT if name in element.attrib]
    if paints or "style" in element.attrib:
        rules = ";".join([*paints, element.get("style", "")])
        element.set("style", re.sub(r"\s*([:;])\s*", r"\1", rules).strip(";"))
    if element.tag == _SVG + "image":
        element.set("href", _smaller_image(element.get("href")))


def _remove_clutter(root):
    for parent in list(root.iter()):
        children = []
        for child in parent:
            if child.tag in (_SVG + "metadata", _SVG + "style") or _is_invisible(child):
                continue
            children.append(child)
        parent[:] = children
    while _splice_bare_groups(root):
        pass


def _is_invisible(element):
    return element.tag == _SVG + "path" and element.get("style") == "fill:none"


def _splice_bare_groups(root):
    spliced = False
    for parent in list(root.iter()):
        children = []
        for child in parent:
            bare = child.tag == _SVG + "g" and set(child.attrib) <= {"id"}
            empty = child.tag == _SVG + "defs" and len(child) == 0
            children.extend(child if bare else () if empty else (child,))
            spliced = spliced or bare or empty
        parent[:] = children
    return spliced


def _themed(element):
    names = []

    def variable(match):
        name = _NAMES.get(match.group().lower())
        if name is None:
            return match.group()
        names.append(name)
        return f"var(--{name})"

    if "style" in element.attrib:
        element.set("style", _HEX.sub(variable, element.get("style")))
    return names


def _dress_root(root, names, alt):
    width = float(root.get("viewBox").split()[2]) * 96 / 72
    variables = "".join(f"--{name}:{css_color(name)};" for name in names)
    view_box = root.get("viewBox")
    root.attrib.clear()
    root.set("class", "mbx-picture")
    root.set("role", "img")
    root.set("aria-label", alt)
    root.set("viewBox", view_box)
    root.set(
        "style",
        f"{variables}width:100%;max-width:{_decimals(width)}px;height:auto;"
        "stroke-linejoin:round;stroke-linecap:butt",
    )


def _links(element):
    """Attributes that refer to an identifier, with what they refer to."""
    for name in ("href", "clip-path", "style"):
        match = _REFERENCE.search(element.get(name, ""))
        if match:
            yield name, match.group(1)


def _referenced(root):
    """The elements that others refer to, in document order; no other identifier is kept."""
    used = {target for element in root.iter() for _, target in _links(element)}
    targets = []
    for element in root.iter():
        if element.get("id") in used:
            targets.append(element)
        else:
            element.attrib.pop("id", None)
    return targets


def _rename(targets, root, prefix):
    names = {target.get("id"): f"{prefix}{number}" for number, target in enumerate(targets)}
    for target in targets:
        target.set("id", names[target.get("id")])
    for element in root.iter():
        for attribute, name in list(_links(element)):
            value = element.get(attribute)
            element.set(attribute, value.replace(f"#{name}", f"#{names[name]}"))


def _decimals(number):
    """Shortest text of a number rounded to two decimals.

    Examples
    --------
    >>> _decimals("35.838636"), _decimals("-0.0001"), _decimals("12.0")
    ('35.84', '0', '12')
    """
    text = f"{float(number):.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _short_path(path):
    """Round and join the commands of a path.

    Examples
    --------
    >>> _short_path("M 0 237.6000 L -460.8 0 z")
    'M0 237.6L-460.8 0z'
    """
    words = []
    for token in _PATH_TOKEN.findall(path):
        if token.isalpha():
            words.append(token)
            continue
        number = _decimals(token)
        after_command = not words or words[-1].isalpha() or number.startswith("-")
        words.append(number if after_command else " " + number)
    return "".join(words)


def _shorten_transform(element):
    """Round shifts and factors; a glyph that is only shifted gets x and y instead."""
    steps = []
    for name, arguments in _TRANSFORM.findall(element.attrib.pop("transform")):
        numbers = _NUMBER.findall(arguments)
        shift = {"translate": 0, "matrix": 4}.get(name, len(numbers))
        factors = [f"{float(number):.6g}" for number in numbers[:shift]]
        steps.append((name, factors + [_decimals(number) for number in numbers[shift:]]))
    if element.tag == _SVG + "use" and len(steps) == 1 and steps[0][0] == "translate":
        for name, value in zip(("x", "y"), steps[0][1]):
            if value != "0":
                element.set(name, value)
    elif steps:
        element.set("transform", "".join(f"{name}({' '.join(args)})" for name, args in steps))


def _smaller_image(uri):
    """Re-encode an opaque image: a colour table where that loses nothing, else JPEG when large."""
    image = Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))
    pixels = np.asarray(image.convert("RGBA"))
    colors, index = np.unique(pixels.reshape(-1, 4), axis=0, return_inverse=True)
    opaque = (colors[:, 3] == 255).all()
    kind, options = "png", {"optimize": True}
    if opaque and len(colors) <= 256:
        image = Image.fromarray(index.reshape(pixels.shape[:2]).astype(np.uint8))
        image.putpalette(colors[:, :3].tobytes())
    elif opaque and index.size > _PHOTOGRAPH:
        image = image.convert("RGB")
        kind, options = "jpeg", {"quality": 88, "subsampling": 0, "optimize": True}
    buffer = io.BytesIO()
    image.save(buffer, format=kind, **options)
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"
