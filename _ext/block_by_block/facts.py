"""What the status page says of a build: versions, machine and data, read while it is built."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import Directive

from .environment import data_folders
from .fingerprint import execution_key, files_below

PACKAGES = (
    "multiconvex",
    "numpy",
    "scipy",
    "numba",
    "scikit-learn",
    "tensorly",
    "scikit-image",
    "matplotlib",
    "jupyter-book",
    "sphinx",
    "myst-nb",
)


class BuildFacts(Directive):
    """A definition table of the versions, the machine and the data behind this build."""

    def run(self):
        root = Path(self.state.document.settings.env.srcdir)
        rows = [("Source", revision(root)), *machine(), ("Data files", data(root))]
        rows += [(name, version(name)) for name in PACKAGES]
        return [_table(rows)]


def revision(root: Path) -> str:
    """Commit and date of the source."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    day = f"{datetime.fromtimestamp(int(epoch), UTC):%Y-%m-%d}" if epoch else "today"
    return f"commit {commit(root)[:12]}, {day}" if commit(root) else day


@cache
def commit(root: Path) -> str:
    """The full name of the commit that is checked out, empty where there is none."""
    git = ["git", "-C", str(root), "rev-parse", "HEAD"]
    found = subprocess.run(git, capture_output=True, text=True, check=False)
    return found.stdout.strip() if found.returncode == 0 else ""


def machine() -> list[tuple[str, str]]:
    """Interpreter, system and processor."""
    system = (
        platform.freedesktop_os_release()["PRETTY_NAME"] if _is_linux() else platform.platform()
    )
    return [
        ("Python", f"{platform.python_version()} ({platform.python_implementation()})"),
        ("System", system),
        ("Processor", f"{processor()}, {os.cpu_count()} logical cores"),
    ]


def processor() -> str:
    """The processor's own name where the system tells it, else its architecture."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    named = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.machine()


def data(root: Path) -> str:
    """How many downloaded data files the loaders found, and the key of the executed outputs."""
    folders = data_folders()
    count = sum(1 for folder in folders for _ in files_below(folder))
    return f"{count} beyond those bundled with the packages; outputs {execution_key(root, folders)}"


def _is_linux() -> bool:
    return Path("/etc/os-release").exists()


def _table(rows) -> nodes.table:
    group = nodes.tgroup("", cols=2)
    group += [nodes.colspec(colwidth=1), nodes.colspec(colwidth=3)]
    body = nodes.tbody()
    for row in rows:
        cells = [nodes.entry("", nodes.paragraph(text=text)) for text in row]
        body += nodes.row("", *cells)
    group += body
    return nodes.table("", group, classes=["build-facts"])


def setup(app):
    app.add_directive("build-facts", BuildFacts)
