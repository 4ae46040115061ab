"""What an executed notebook depends on besides its own cells, as one short key.

A notebook is executed again when the key changes: another Python, another version of a dependency,
another line in ``src``, another data file. Run as a script, prints the key of the code alone, which
is what compiled kernels depend on.
"""

import hashlib
import platform
import sys
from collections.abc import Iterable
from pathlib import Path


def files_below(folder: Path) -> Iterable[Path]:
    """Every file of a folder in a fixed order, caches and hidden files left out."""
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder).parts
        if path.is_file() and not any(p == "__pycache__" or p[0] == "." for p in inside):
            yield path


def code_key(root: Path) -> str:
    """Key of the interpreter, the locked dependencies and the package."""
    key = hashlib.sha256()
    key.update(f"{platform.python_implementation()} {sys.version} {platform.machine()}".encode())
    for path in [root / "requirements.lock", *files_below(root / "src")]:
        _add(key, path.relative_to(root), path)
    return key.hexdigest()[:16]


def execution_key(root: Path, data_folders: Iterable[Path]) -> str:
    """Key of the code and of the data files that loaders find in some folders."""
    key = hashlib.sha256(code_key(root).encode())
    for folder in data_folders:
        for path in files_below(folder):
            _add(key, path.relative_to(folder), path)
    return key.hexdigest()[:16]


def _add(key, name: Path, path: Path) -> None:
    key.update(f"\0{name.as_posix()}\0".encode())
    key.update(path.read_bytes())


if __name__ == "__main__":
    print(code_key(Path(__file__).resolve().parents[2]))
