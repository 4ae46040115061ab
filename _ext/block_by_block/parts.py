"""The parts of the book that hold chapters, and what these need, read from where a reader sees it.

A chapter says what it needs in its opening box; the chapters that it links to there are its
prerequisites. Nothing else records them.
"""

import posixpath
import re
from dataclasses import dataclass
from pathlib import Path

from docutils import nodes

from .book_map import toc_parts

NEEDED = re.compile(r"\*\*You need\*\*(.*?)\*\*Runs in\*\*", re.DOTALL)
LINK = re.compile(r"\{doc\}`(?:[^`<]*<)?([^`<>]+)>?`")


@dataclass(frozen=True)
class Part:
    """One part: its heading and its chapters in reading order."""

    caption: str
    docnames: tuple[str, ...]

    @property
    def name(self) -> str:
        """The heading as it is written in an address."""
        return nodes.make_id(self.caption)


def parts(root: Path) -> list[Part]:
    """The parts that hold chapters, in reading order."""
    found = [
        Part(caption, tuple(name for name in names if name.startswith("chapters/")))
        for caption, names in toc_parts(root)
    ]
    return [part for part in found if part.docnames]


def needs(root: Path) -> dict[str, tuple[str, ...]]:
    """For each chapter, in reading order, the chapters that its opening box asks for."""
    listed = [docname for part in parts(root) for docname in part.docnames]
    return {docname: needed(root, docname, listed) for docname in listed}


def needed(root: Path, docname: str, listed: list[str]) -> tuple[str, ...]:
    """The chapters linked between "You need" and "Runs in", in reading order."""
    page = (root / f"{docname}.md").read_text(encoding="utf-8")
    asked = NEEDED.search(page)
    links = LINK.findall(asked[1]) if asked else []
    folder = posixpath.dirname(docname)
    paths = {posixpath.normpath(posixpath.join("/", folder, link)) for link in links}
    return tuple(name for name in listed if f"/{name}" in paths)


def leads_to(root: Path) -> dict[str, tuple[str, ...]]:
    """For each chapter, the chapters whose opening boxes ask for it."""
    asked = needs(root)
    return {name: tuple(other for other in asked if name in asked[other]) for name in asked}
