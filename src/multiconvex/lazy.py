"""Names of a package that are imported when they are first used."""

import sys
from importlib import import_module
from importlib.util import find_spec


def load_on_use(package, homes, submodules=()):
    """Return ``__getattr__``, ``__dir__`` and ``__all__`` of a package.

    Parameters
    ----------
    package : str
        Its ``__name__``.
    homes : dict of str to tuple of str
        Public names by the submodule that holds them.
    submodules : tuple of str
        Those that are public themselves; the others are attributes too, as after an import.
    """
    home_of = {name: home for home, names in homes.items() for name in names}
    exported = sorted([*home_of, *submodules])

    def find(name):
        if name in home_of:
            value = getattr(import_module(f"{package}.{home_of[name]}"), name)
            setattr(sys.modules[package], name, value)
            return value
        if not name.startswith("_") and find_spec(f"{package}.{name}"):
            return import_module(f"{package}.{name}")
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return find, lambda: exported, exported
