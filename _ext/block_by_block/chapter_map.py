"""The map of the chapters: one line for each, and an arc from what it needs to it.

The lines are links of equal height; the arcs are drawn beside them in units of that height, so
that text may wrap and grow without leaving its arc.
"""

from dataclasses import dataclass
from html import escape
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import Directive

from .book_map import read_chapter
from .parts import needs, parts

WIDTH = 4.0
"""Width of the arcs in heights of a line; the style sheet has the same number."""


class map_place(nodes.General, nodes.Element):
    """Where the map goes when the addresses and the numbers of all chapters are known."""


class ChapterMap(Directive):
    """All chapters in reading order, with the arcs of their prerequisites."""

    def run(self):
        return [map_place()]


@dataclass(frozen=True)
class Arc:
    """One prerequisite: the chapter that is needed, the one that needs it, and their lines."""

    needed: str
    needing: str
    top: float
    bottom: float
    part: int

    def path(self) -> str:
        """A curve that leaves one line to the left and comes back to another."""
        reach = max(0.0, WIDTH - 0.7 - 0.45 * (self.bottom - self.top) ** 0.6)
        start, end = f"{WIDTH} {self.top:g}", f"{WIDTH} {self.bottom:g}"
        return f"M{start}C{reach:.2f} {self.top:g} {reach:.2f} {self.bottom:g} {end}"


def arcs(root: Path) -> tuple[list[Arc], int]:
    """The arcs of all prerequisites, and the number of lines: a part has one for its heading."""
    line, part_of, asked = {}, {}, needs(root)
    lines = 0
    for number, part in enumerate(parts(root)):
        for k, docname in enumerate(part.docnames, start=1):
            line[docname], part_of[docname] = lines + k + 0.5, number
        lines += 1 + len(part.docnames)
    drawn = [
        Arc(needed, name, line[needed], line[name], part_of[name])
        for name in asked
        for needed in asked[name]
    ]
    return drawn, lines


def fill(app, doctree, docname):
    """Draw the map where a page asks for it."""
    for place in list(doctree.findall(map_place)):
        place.replace_self(nodes.raw("", _html(app, docname), format="html"))


def _html(app, docname: str) -> str:
    root = Path(app.srcdir)
    drawn, lines = arcs(root)
    curves = "".join(
        f'<path class="part-{arc.part}" data-from="{_id(arc.needed)}" '
        f'data-to="{_id(arc.needing)}" d="{arc.path()}"/>'
        for arc in drawn
    )
    drawing = (
        f'<svg viewBox="0 0 {WIDTH:g} {lines}" preserveAspectRatio="none" aria-hidden="true" '
        f'style="height:calc({lines} * var(--line))">{curves}</svg>'
    )
    lists = "".join(
        f'<p class="map-part part-{number}" id="map-{part.name}">{escape(part.caption)}</p>'
        f'<ul aria-labelledby="map-{part.name}">'
        + "".join(_item(app, root, docname, name, number) for name in part.docnames)
        + "</ul>"
        for number, part in enumerate(parts(root))
    )
    return f'<div class="chapter-map">{drawing}<div class="map-lines">{lists}</div></div>'


def _item(app, root: Path, here: str, docname: str, part: int) -> str:
    address = app.builder.get_relative_uri(here, docname)
    number = app.env.toc_secnumbers.get(docname, {}).get("", ())
    label = ".".join(map(str, number))
    heading = read_chapter(root, docname).title
    before = [read_chapter(root, name).title for name in needs(root)[docname]]
    builds = f"builds on {', '.join(before)}" if before else "needs no other chapter"
    return (
        f'<li id="{_id(docname)}" class="part-{part}"><a href="{address}">'
        f'<span class="map-number">{label}</span> <span>{escape(heading)}</span>'
        f'</a><span class="visually-hidden">: {escape(builds)}</span></li>'
    )


def _id(docname: str) -> str:
    return "map-" + docname.rsplit("/", 1)[1]


def setup(app):
    app.add_node(map_place)
    app.add_directive("chapter-map", ChapterMap)
    app.connect("doctree-resolved", fill)
