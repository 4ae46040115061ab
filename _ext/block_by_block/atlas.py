"""The Atlas: one row for each algorithm of the book, generated from chapters and docstrings."""

import re
from html import escape
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import Directive
from docutils.statemachine import StringList

from .address import Address, read_address
from .book_map import Chapter, Entry, best_test, chapters, describe, part_of, raise_powers

LONG_NAME = re.compile(r"(:[\w:]+:`)(multiconvex\.)")
COLUMNS = ("Algorithm", "Guarantee", "Cost", "Where")
# Shown by _static/atlas.js, which needs them: without it there is the table in reading order.
TOOLS = """
<form class="atlas-tools screen-only" role="search" aria-label="Algorithms" hidden>
<label>Find <input type="search" name="find" autocomplete="off" placeholder="a word or two"></label>
<label>Part <select name="part"><option value="">all parts</option>{options}</select></label>
<button type="reset">Show all</button>
<output aria-live="polite"></output>
</form>
"""


class Atlas(Directive):
    """The table of all algorithms, chapter by chapter (reStructuredText, as docstrings are)."""

    def run(self):
        root = Path(self.state.document.settings.env.srcdir)
        holder = nodes.container(classes=["atlas"])
        holder += nodes.raw("", tools(root), format="html")
        lines = StringList(atlas_lines(root), "atlas")
        self.state.nested_parse(lines, self.content_offset, holder)
        shown = [chapter.part for chapter in chapters(root) for _ in chapter.algorithms]
        for row, part in zip(next(holder.findall(nodes.tbody)), shown, strict=True):
            row["classes"].append(f"part-{part}")
        return [holder]


def tools(root: Path) -> str:
    """The form that finds rows by words or by the part of the book."""
    named = {chapter.part: part_of(root, chapter.docname) for chapter in chapters(root)}
    return TOOLS.format(
        options="".join(
            f'<option value="{part}">{escape(caption)}</option>' for part, caption in named.items()
        )
    )


def atlas_lines(root: Path) -> list[str]:
    """The table in reStructuredText."""
    address = read_address(root)
    lines = [".. list-table::", "   :header-rows: 1", "   :widths: 30 27 24 19", ""]
    lines += _row(COLUMNS)
    for chapter in chapters(root):
        for name in chapter.algorithms:
            entry = describe(name)
            where = _links(address, chapter, entry, root)
            what = f":py:obj:`~{name}`: {entry.summary}"
            said = (_short(text) for text in (entry.guarantee, entry.cost))
            lines += _row((what, *said, where))
    return lines


def _short(text: str) -> str:
    """Names without their package, so that columns may be narrow, and exponents that are raised."""
    return raise_powers(LONG_NAME.sub(r"\1~\2", text))


def _links(address: Address, chapter: Chapter, entry: Entry, root: Path) -> str:
    source = entry.source.relative_to(root).as_posix()
    test = best_test(root, entry)
    links = [
        f":doc:`{chapter.title} </{chapter.docname}>`",
        f"`source <{address.file(source, entry.line)}>`__",
        *([f"`test <{address.file(test)}>`__"] if test else []),
    ]
    return ", ".join(links)


def _row(cells) -> list[str]:
    return [("   * - " if i == 0 else "     - ") + cell for i, cell in enumerate(cells)]


def setup(app):
    app.add_directive("atlas", Atlas)
