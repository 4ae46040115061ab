"""The map between chapters, public objects, their source and their tests.

A chapter's front matter lists the objects it explains (``algorithms``); the docstring of each of
them states in its notes ``Guarantee:``, ``Cost:`` and ``Chapter:``. The Atlas page shows this map
and ``tests/book/test_map.py`` checks it both ways.
"""

import inspect
import re
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path

import yaml

FACT = re.compile(r"^(Guarantee|Cost|Chapter):\s*(.*)$")
CHAPTER_ROLE = re.compile(r":doc:`(?:[^`<]*<)?/(?P<docname>[^`>]+)>?`")
POWER = re.compile(r"(`+[^`]+`+)|(?<=[\w)])\^(?:\(([^()]*)\)|(\w+))")
REFERENCE = re.compile(r"\s*\[\d+\]_")
HEADING = re.compile(r"^# (.+)$", re.MULTILINE)
STUDIES = re.compile(r"^from multiconvex\.studies import (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Chapter:
    """One page under ``chapters/``, as its front matter describes it."""

    docname: str
    title: str
    algorithms: tuple[str, ...]
    studies: tuple[str, ...]

    @property
    def stem(self) -> str:
        return self.docname.rsplit("/", 1)[1]

    @property
    def part(self) -> str:
        """The folder of the part that the chapter is in."""
        return self.docname.split("/")[-2]


@dataclass(frozen=True)
class Entry:
    """What the docstring and the source of one public object say of it."""

    name: str
    summary: str
    guarantee: str
    cost: str
    chapters: tuple[str, ...]
    source: Path
    line: int


def toc_parts(root: Path) -> list[tuple[str, list[str]]]:
    """Caption and pages of each part in reading order; the front page has no caption."""
    toc = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    parts = [(part.get("caption", ""), _files(part["chapters"])) for part in toc.get("parts", [])]
    return [("", [toc["root"]]), *parts]


def part_of(root: Path, docname: str) -> str:
    """Caption of the part that a page is in."""
    return next(caption for caption, pages in toc_parts(root) if docname in pages)


def toc_docnames(root: Path) -> list[str]:
    """The pages of the book in reading order."""
    return [name for _, names in toc_parts(root) for name in names]


def _files(entries: list[dict]) -> list[str]:
    """Each page, followed by the pages below it."""
    return [
        name for entry in entries for name in (entry["file"], *_files(entry.get("sections", [])))
    ]


def title(page: str) -> str:
    """The heading of a MyST page."""
    return HEADING.search(page)[1].strip()


def front_matter(page: str) -> dict:
    """The metadata of a MyST page."""
    match = re.match(r"---\n(.*?)\n---\n", page, re.DOTALL)
    return yaml.safe_load(match[1]) if match else {}


def read_chapter(root: Path, docname: str) -> Chapter:
    page = (root / f"{docname}.md").read_text(encoding="utf-8")
    names = front_matter(page).get("algorithms", ())
    imports = ", ".join(STUDIES.findall(page))
    studies = re.findall(r"(?:^|, *)(\w+)", imports)
    return Chapter(docname, title(page), tuple(names), tuple(studies))


def chapters(root: Path) -> list[Chapter]:
    """The chapters in reading order."""
    return [read_chapter(root, name) for name in toc_docnames(root) if name.startswith("chapters/")]


def resolve(name: str):
    """The object behind a dotted public name such as ``multiconvex.HALS``."""
    module, _, attribute = name.rpartition(".")
    return getattr(import_module(module), attribute)


def describe(name: str) -> Entry:
    """Read the docstring and the position of a public object."""
    target = resolve(name)
    facts = read_facts(_documentation(target))
    source = Path(inspect.getsourcefile(target))
    return Entry(
        name=name,
        summary=summary(target),
        guarantee=facts.get("Guarantee", ""),
        cost=facts.get("Cost", ""),
        chapters=tuple(CHAPTER_ROLE.findall(facts.get("Chapter", ""))),
        source=source.resolve(),
        line=inspect.getsourcelines(target)[1],
    )


def summary(target) -> str:
    """The first paragraph of a docstring, on one line."""
    return " ".join(_documentation(target).split("\n\n")[0].split())


def _documentation(target) -> str:
    return REFERENCE.sub("", inspect.getdoc(target) or "")


def read_facts(docstring: str) -> dict[str, str]:
    """``Guarantee:``, ``Cost:`` and ``Chapter:`` of a docstring, each up to a blank line."""
    facts, current = {}, None
    for line in docstring.splitlines():
        match = FACT.match(line.strip())
        if match:
            current = match[1]
            facts[current] = match[2]
        elif not line.strip():
            current = None
        elif current:
            facts[current] += " " + line.strip()
    return facts


def raise_powers(text: str) -> str:
    """``n^2`` as reStructuredText with a raised exponent; what is between backticks stays."""
    return POWER.sub(
        lambda found: found[1] or rf"\ :sup:`{found[2] or found[3]}`",
        text,
    )


def public_names() -> list[str]:
    """Every function and class that ``multiconvex`` itself exports."""
    names = [f"multiconvex.{name}" for name in import_module("multiconvex").__all__]
    return [name for name in names if not inspect.ismodule(resolve(name))]


def best_test(root: Path, entry: Entry) -> str | None:
    """The test file that says most of an object: the one named after its module, or the one that
    names it most often."""
    name = entry.name.rsplit(".", 1)[1]
    mentions = {path: _mentions(path, name) for path in sorted((root / "tests").rglob("test_*.py"))}
    mentions = {path: count for path, count in mentions.items() if count}
    if not mentions:
        return None
    own = f"test_{entry.source.stem}.py"
    best = max(mentions, key=lambda path: (path.name == own, mentions[path]))
    return best.relative_to(root).as_posix()


@cache
def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _mentions(path: Path, name: str) -> int:
    return len(re.findall(rf"\b{name}\b", _text(path)))
