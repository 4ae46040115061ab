"""The API reference: what is public is found by importing the package, not kept in a list."""

import inspect
import pkgutil
import re
from importlib import import_module
from types import ModuleType

from docutils import nodes
from docutils.parsers.rst import Directive
from docutils.statemachine import StringList

from .book_map import FACT, public_names, resolve

PACKAGE = "multiconvex"


class Room(Directive):
    """Everything public in one module or subpackage of ``multiconvex``, documented by autodoc."""

    required_arguments = 1

    def run(self):
        holder = nodes.container(classes=["room"])
        lines = StringList(room_lines(self.arguments[0]), "api")
        self.state.nested_parse(lines, self.content_offset, holder)
        return [holder]


def room_lines(room: str) -> list[str]:
    """The autodoc directives of a room: each module, followed by the public objects it defines."""
    lines = []
    objects = documented(room)
    shown = modules(room)
    public = {module.__name__ for module in shown}
    for module in shown:
        lines += [f".. automodule:: {module.__name__}", "   :no-members:", ""]
        for name, target in objects.items():
            home = target.__module__ if target.__module__ in public else f"{PACKAGE}.{room}"
            if home == module.__name__:
                kind = "class" if inspect.isclass(target) else "function"
                lines += [f".. auto{kind}:: {name}", *_members(target), ""]
    return lines


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
    shown = []
    for line in lines:
        match = FACT.match(line)
        shown += ["", f"**{match[1]}.** {match[2]}"] if match else [line]
    lines[:] = shown


def number_references(app, what, name, obj, options, lines):
    """Make the references of a docstring a list: labels of many docstrings meet on one page."""
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
    lines[:] = shown


def without_addresses(app, what, name, obj, options, signature, annotation):
    """Signatures name defaults, not the memory address of a function."""
    if signature:
        signature = re.sub(r"<function (\w+) at 0x[0-9a-f]+>", r"\1", signature)
        signature = re.sub(r" at 0x[0-9a-f]+", "", signature)
    return signature, annotation


def setup(app):
    app.add_directive("room", Room)
    app.connect("autodoc-process-docstring", separate_facts, priority=900)
    app.connect("autodoc-process-docstring", number_references, priority=900)
    app.connect("autodoc-process-signature", without_addresses)
