"""The API reference: what is public is found by importing the package, not kept in a list."""

import inspect
import pkgutil
import re
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType

from docutils import nodes
from docutils.parsers.rst import Directive
from docutils.statemachine import StringList

from .book_map import (
    FACT,
    chapters,
    public_names,
    raise_powers,
    resolve,
    summary,
    title,
    toc_docnames,
)

PACKAGE = "multiconvex"
# Rooms in which the module that bears the stem of a study belongs to the study's chapter.
CHAPTERED = ("studies", "viz")
INITIAL = re.compile(r"^(\s*(?:\d+\. )?)([A-Z]\. )")
ROOM = re.compile(r"^\.\. room:: ([\w.]+)(?: (\w+))?$", re.MULTILINE)


class Room(Directive):
    """Everything public in one module or subpackage of ``multiconvex``, documented by autodoc.

    A second argument is the stem of a chapter: its studies, or its figures. Without it, the room is
    shown without what belongs to a chapter. A module that is a room of its own on some page, such
    as ``models.dictionary_lra``, is left out of the larger one.
    """

    required_arguments = 1
    optional_arguments = 1

    def run(self):
        root = Path(self.state.document.settings.env.srcdir)
        holder = nodes.container(classes=["room"])
        lines = StringList(room_lines(root, *self.arguments), "api")
        self.state.nested_parse(lines, self.content_offset, holder)
        return [holder]


class Contents(Directive):
    """One line for each public object, or for each module of a chapter: a section for each page
    of the reference that stands just below this one."""

    def run(self):
        env = self.state.document.settings.env
        root = Path(env.srcdir)
        sections = []
        for docname in toc_docnames(root):
            if docname.rpartition("/")[0] == env.docname:
                heading, lines = contents_lines(root, docname)
                name = nodes.make_id(heading)
                section = nodes.section(ids=[name], classes=["reference-contents"])
                section += nodes.title(text=heading)
                self.state.nested_parse(StringList(lines, "api"), self.content_offset, section)
                sections.append(section)
        return sections


def contents_lines(root: Path, docname: str) -> tuple[str, list[str]]:
    """The title of a page of the reference, and the table of what it documents."""
    page = (root / f"{docname}.md").read_text(encoding="utf-8")
    rows = []
    for room, stem in ROOM.findall(page):
        for module, objects in shown(root, room, stem).items():
            listed = {module.__name__: module} if stem else objects
            rows += [row for name, target in listed.items() for row in _row(name, target)]
    table = [".. list-table::", "   :widths: 42 58", "", *rows] if rows else []
    return title(page), [f"In full: :doc:`/{docname}`.", "", *table]


def _row(name: str, target) -> list[str]:
    """A name and its summary, whose references are resolved where the name is."""
    return [
        f"   * - :py:obj:`{name.removeprefix(f'{PACKAGE}.')} <{name}>`",
        f"     - .. py:currentmodule:: {name.rpartition('.')[0]}",
        "",
        f"       {summary(target)}",
    ]


def room_lines(root: Path, room: str, stem: str = "") -> list[str]:
    """The autodoc directives of a room: each module, followed by the public objects it defines."""
    lines = []
    for module, objects in shown(root, room, stem).items():
        lines += [f".. automodule:: {module.__name__}", "   :no-members:", ""]
        for name, target in objects.items():
            kind = "class" if inspect.isclass(target) else "function"
            lines += [f".. auto{kind}:: {name}", *_members(target), ""]
    return lines


def shown(root: Path, room: str, stem: str = "") -> dict[ModuleType, dict[str, object]]:
    """The modules of a room, of one chapter where the room is divided so, and what each exports."""
    homes = {module.__name__: {} for module in modules(room)}
    for name, target in documented(room).items():
        places = (target.__module__, name.rpartition(".")[0], f"{PACKAGE}.{room}")
        homes[next(place for place in places if place in homes)][name] = target
    if room in CHAPTERED:
        owner = {study: chapter.stem for chapter in chapters(root) for study in chapter.studies}
        prefix = f"{PACKAGE}.{room}."
        homes = {
            name: objects
            for name, objects in homes.items()
            if owner.get(name.removeprefix(prefix), "") == stem
        }
    elsewhere = {f"{PACKAGE}.{other}" for other, _ in named_rooms(root) if other != room}
    return {import_module(name): homes[name] for name in homes if name not in elsewhere}


def named_rooms(root: Path) -> list[tuple[str, str]]:
    """The arguments of every room of the reference, in the order of its pages."""
    pages = [name for name in toc_docnames(root) if name.startswith("front/api/")]
    sources = [(root / f"{name}.md").read_text(encoding="utf-8") for name in pages]
    return [found for source in sources for found in ROOM.findall(source)]


def _members(target) -> list[str]:
    """The options that document the methods of a class, but those scikit-learn adds by itself."""
    if not inspect.isclass(target):
        return []
    added = [name for name in dir(target) if name.startswith("set_") and name.endswith("_request")]
    return (
        ["   :members:", f"   :exclude-members: {', '.join(added)}"] if added else ["   :members:"]
    )


def modules(room: str) -> list[ModuleType]:
    """The module of a room and its public submodules."""
    module = import_module(f"{PACKAGE}.{room}")
    names = [info.name for info in pkgutil.iter_modules(getattr(module, "__path__", ()))]
    public = [name for name in names if not name.startswith("_")]
    return [module, *(import_module(f"{module.__name__}.{name}") for name in public)]


@cache
def documented(room: str) -> dict[str, object]:
    """Public objects of a room under the shortest name from which a reader imports them."""
    home = f"{PACKAGE}.{room}"
    names = public_names()
    for module in modules(room):
        names += [f"{module.__name__}.{name}" for name in _exported(module)]
    found = {}
    for name in names:
        target = resolve(name)
        where = getattr(target, "__module__", "")
        inside = where == home or where.startswith(f"{home}.")
        if inside and callable(target) and all(target is not known for known in found.values()):
            found[name] = target
    return found


def _exported(module: ModuleType) -> list[str]:
    """Names a module exports; the modules of a chapter export whatever they define."""
    if hasattr(module, "__all__"):
        return module.__all__
    stems = {
        info.name for info in pkgutil.iter_modules(import_module(f"{PACKAGE}.studies").__path__)
    }
    if module.__name__.rsplit(".", 1)[1] not in stems:
        return []
    return [
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", "") == module.__name__
    ]


def separate_facts(app, what, name, obj, options, lines):
    """Set ``Guarantee:``, ``Cost:`` and ``Chapter:`` as paragraphs of their own."""
    shown, inside = [], False
    for line in lines:
        match = FACT.match(line)
        inside = bool(match) or (inside and bool(line.strip()))
        text = raise_powers(line) if inside else line
        shown += ["", FACT.sub(r"**\1:** \2", text)] if match else [text]
    lines[:] = shown


def number_references(app, what, name, obj, options, lines):
    """Make the references of a docstring a list: labels of many docstrings meet on one page.

    An author's initial in front of a reference would count as the number of a list.
    """
    shown, indent = [], None
    for line in lines:
        entry = re.match(r"\.\. \[(\d+)\] +(.*)", line)
        if entry:
            indent = len(entry[1]) + 2
            shown.append(f"{entry[1]}. {entry[2]}")
        elif indent and line.startswith(" "):
            shown.append(" " * indent + line.strip())
        else:
            indent = indent if not line else None
            shown.append(re.sub(r"\[(\d+)\]_", r"[\1]", line))
    lines[:] = [INITIAL.sub(r"\1\\\2", line) for line in shown]


def without_addresses(app, what, name, obj, options, signature, annotation):
    """Signatures name defaults, not the memory address of a function."""
    if signature:
        signature = re.sub(r"<function (\w+) at 0x[0-9a-f]+>", r"\1", signature)
        signature = re.sub(r" at 0x[0-9a-f]+", "", signature)
    return signature, annotation


def setup(app):
    app.add_directive("room", Room)
    app.add_directive("reference-contents", Contents)
    app.connect("autodoc-process-docstring", separate_facts, priority=900)
    app.connect("autodoc-process-docstring", number_references, priority=900)
    app.connect("autodoc-process-signature", without_addresses)
