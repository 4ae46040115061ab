"""What the notebooks see while the book executes them, and where their outputs are kept."""

import os
import shutil
from pathlib import Path

from .fingerprint import code_key, execution_key

KEPT_CACHES = 4
FIXED = {
    # Knobs become precomputed frames instead of widgets that need a kernel.
    "MULTICONVEX_STATIC": "1",
    # Sets and dictionaries iterate alike in every build.
    "PYTHONHASHSEED": "0",
    # One thread: the same sums in the same order, and timings of the algorithms, not of the BLAS.
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}


def prepare(app):
    """Runs before myst-nb reads its configuration."""
    root = Path(app.srcdir)
    build = Path(app.outdir).parent
    caches = build / ".jupyter_cache"
    # Numba notices an edit in a kernel's own file only, so its cache has a key too.
    kernels = build / ".numba_cache"
    compiled = kernels / code_key(root)
    executed = caches / execution_key(root, data_folders())
    profile = build / "generated" / "ipython"
    write_profile(profile)
    os.environ.update(FIXED, NUMBA_CACHE_DIR=str(compiled), IPYTHONDIR=str(profile))
    app.config.nb_execution_cache_path = str(executed)
    for current in (compiled, executed):
        current.mkdir(parents=True, exist_ok=True)
        current.touch()
        _prune(current.parent)


def write_profile(folder: Path) -> None:
    """A profile of IPython without the start-up files of whoever builds the book."""
    settings = folder / "profile_default" / "ipython_kernel_config.py"
    settings.parent.mkdir(parents=True, exist_ok=True)
    # Each kernel warns that it talks to this machine without encryption.
    settings.write_text("get_config().IPKernelApp.log_level = 'ERROR'\n", encoding="utf-8")


def data_folders() -> list[Path]:
    """The folders in which the loaders look for data files, those that exist."""
    from multiconvex.datasets._files import cache_folder

    named = os.environ.get("MULTICONVEX_DATA")
    folders = [Path(named).resolve()] if named else []
    return [folder for folder in [*folders, cache_folder()] if folder.is_dir()]


def _prune(folder: Path) -> None:
    newest = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
    for stale in newest[KEPT_CACHES:]:
        shutil.rmtree(stale)


def setup(app):
    app.connect("builder-inited", prepare, priority=100)
