"""The blocks of a fit on disk, so that what stops the fit does not stop the work."""

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from multiconvex.checks import check_count, is_chunked

_POINT = "point-{:08d}"


@dataclass(frozen=True)
class SavedSweep:
    """A sweep that was read back.

    Attributes
    ----------
    iteration : int
        Of the fit that wrote it.
    objective : float
    blocks : dict of str to ndarray or dask.array.Array
        Blocks that were in chunks are lazy, and in the same chunks.
    """

    iteration: int
    objective: float
    blocks: dict

    @property
    def init(self):
        """The blocks in order, as models take them for ``init``."""
        return tuple(self.blocks.values())


class Checkpoint:
    """A callback that writes the blocks to a folder, whole or not at all.

    A point is written beside the previous one and takes its place by renaming a folder, which
    happens or does not. Arrays are plain ``.npy`` files; of a block that is a Dask array, the
    workers write one file for each chunk, so that the folder has to be one that all of them see.

    Parameters
    ----------
    folder : path
        Made where it does not exist. What an earlier fit wrote there is replaced once this one
        has written its first point.
    every : int, default 1
        Write every so many recorded sweeps.

    Notes
    -----
    Guarantee: a fit that goes on from the last point loses the sweep in which it was stopped, and
    what an acceleration remembers.

    Cost: one copy of the blocks on disk per sweep, two while it is written.

    Chapter: :doc:`/chapters/open_problems/scaling_out`

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> import numpy as np
    >>> from multiconvex import Checkpoint, nmf
    >>> X = np.random.default_rng(0).random((8, 5))
    >>> with TemporaryDirectory() as folder:
    ...     saved = Checkpoint(folder)
    ...     first = nmf(X, 2, max_iter=4, tol=0, random_state=0, callback=saved)
    ...     second = nmf(X, 2, init=saved.latest().init, max_iter=4, tol=0)
    >>> bool(second.objective < first.objective)
    True
    """

    def __init__(self, folder, *, every=1):
        self.folder = Path(folder)
        self.every = check_count("every", every)
        self._seen = 0
        self._in_use = None

    def __call__(self, sweep):
        """Write the blocks of a sweep; never stops the fit."""
        self._seen += 1
        if self._seen % self.every == 0:
            self._write(sweep)
        return False

    def latest(self):
        """Return the last point as a ``SavedSweep``; its files stay until this is not used.

        Raises
        ------
        FileNotFoundError
            If the folder holds no point.
        """
        points = self._points()
        if not points:
            raise FileNotFoundError(
                f"No checkpoint in {self.folder}: pass a Checkpoint as callback to a fit first."
            )
        self._in_use = points[-1]
        facts = json.loads((points[-1] / "sweep.json").read_text(encoding="utf-8"))
        blocks = {
            name: _read(points[-1], k, shapes) for k, (name, shapes) in enumerate(facts["blocks"])
        }
        return SavedSweep(facts["iteration"], facts["objective"], blocks)

    def _write(self, sweep):
        old = self._points()
        number = int(old[-1].name.split("-")[1]) + 1 if old else 0
        point = self.folder / _POINT.format(number)
        draft = self.folder / f"draft-{point.name}"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        shapes = [
            (name, _save(draft, k, block)) for k, (name, block) in enumerate(sweep.blocks.items())
        ]
        facts = {"iteration": sweep.iteration, "objective": sweep.objective, "blocks": shapes}
        (draft / "sweep.json").write_text(json.dumps(facts), encoding="utf-8")
        os.replace(draft, point)
        for earlier in old:
            if earlier != self._in_use:
                shutil.rmtree(earlier)

    def _points(self):
        return sorted(self.folder.glob("point-*"))


def _save(folder, k, block):
    """Write a block and return the shapes of its files, None where it is one local array."""
    if not is_chunked(block):
        np.save(folder / f"{k}.npy", block)
        return None
    import dask

    chunks = block.to_delayed().ravel()
    files = [str(folder / f"{k}-{c}.npy") for c in range(len(chunks))]
    return dask.compute(*(dask.delayed(_save_chunk)(*pair) for pair in zip(files, chunks)))


def _save_chunk(file, chunk):
    np.save(file, chunk)
    return chunk.shape


def _read(folder, k, shapes):
    if shapes is None:
        return np.load(folder / f"{k}.npy")
    import dask
    import dask.array as da

    files = [str(folder / f"{k}-{c}.npy") for c in range(len(shapes))]
    dtype = np.load(files[0], mmap_mode="r").dtype
    chunks = [
        da.from_delayed(dask.delayed(np.load)(file), tuple(shape), dtype=dtype)
        for file, shape in zip(files, shapes)
    ]
    return da.concatenate(chunks)
