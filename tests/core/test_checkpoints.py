"""A fit goes on from its last checkpoint, whatever stopped it."""

import os
import signal
import subprocess
import sys
import time

import dask
import dask.array as da
import numpy as np
import pytest

from multiconvex import Checkpoint, NonNegative, cp, nmf
from multiconvex.trace import Sweep

pytestmark = pytest.mark.filterwarnings("ignore:The fit used all")
X = np.random.default_rng(0).random((200, 12))
FIT = {"acceleration": None, "tol": 0}


@pytest.fixture(autouse=True)
def in_this_thread():
    with dask.config.set(scheduler="synchronous"):
        yield


@pytest.fixture(params=["in memory", "in chunks"])
def data(request):
    return X if request.param == "in memory" else da.from_array(X, chunks=(64, 12))


def test_a_resumed_fit_is_the_fit_that_was_not_stopped(data, tmp_path):
    whole = nmf(data, 3, max_iter=9, random_state=0, **FIT)
    saved = Checkpoint(tmp_path)
    nmf(data, 3, max_iter=4, random_state=0, callback=saved, **FIT)
    point = saved.latest()
    assert (point.iteration, point.objective) == (4, whole.trace.objective[4])
    rest = nmf(data, 3, init=point.init, max_iter=5, callback=saved, **FIT)
    np.testing.assert_array_equal(rest.trace.objective, whole.trace.objective[4:])
    for name, block in whole.blocks.items():
        np.testing.assert_array_equal(np.asarray(rest.blocks[name]), np.asarray(block))
        assert type(point.blocks[name]) is type(block)
    assert saved.latest().objective == rest.objective


def test_each_sweep_replaces_the_last(data, tmp_path):
    kept = []

    def look(sweep):
        saved(sweep)
        kept.append(saved.latest().iteration)
        return len([path for path in tmp_path.iterdir()]) > 2

    saved = Checkpoint(tmp_path)
    result = nmf(data, 2, max_iter=5, random_state=0, callback=look, **FIT)
    assert kept == [1, 2, 3, 4, 5] and result.status == "max_iter"


def test_every_so_many_sweeps(tmp_path):
    saved = Checkpoint(tmp_path, every=3)
    nmf(X, 2, max_iter=8, random_state=0, callback=saved, **FIT)
    assert saved.latest().iteration == 6
    with pytest.raises(ValueError, match="every must be an integer of at least 1"):
        Checkpoint(tmp_path, every=0)


def test_blocks_of_tensors_and_their_order(tmp_path):
    saved = Checkpoint(tmp_path)
    T = np.random.default_rng(0).random((4, 5, 6))
    fit = cp(T, 2, penalties=(NonNegative(),) * 3, max_iter=3, tol=0, callback=saved,
             random_state=0, acceleration=None)  # fmt: skip
    for block, factor in zip(saved.latest().init, fit.factors):
        np.testing.assert_array_equal(block, factor)


def test_a_sweep_that_could_not_be_written_leaves_the_one_before(data, tmp_path, monkeypatch):
    saved = Checkpoint(tmp_path)
    first = nmf(data, 2, max_iter=2, random_state=0, callback=saved, **FIT)
    monkeypatch.setattr(os, "replace", _fail)
    with pytest.raises(OSError, match="disk full"):
        nmf(data, 2, init=saved.latest().init, max_iter=2, callback=saved, **FIT)
    assert saved.latest().objective == first.objective
    monkeypatch.undo()
    nmf(data, 2, init=saved.latest().init, max_iter=1, callback=saved, **FIT)
    assert saved.latest().objective < first.objective


def _fail(*paths):
    raise OSError("disk full")


def test_files_that_are_being_read_are_kept(tmp_path):
    saved = Checkpoint(tmp_path)
    nmf(da.from_array(X, chunks=(64, 12)), 2, max_iter=2, random_state=0, callback=saved, **FIT)
    W = saved.latest().blocks["W"]
    before = W.compute()
    for number in range(3):
        saved(Sweep(number, 0.0, 1.0, "sweep", {"W": 0.0 * before, "H": before}))
    np.testing.assert_array_equal(W.compute(), before)


def test_nothing_is_there_yet(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"No checkpoint in .* pass a Checkpoint as callb"):
        Checkpoint(tmp_path / "new").latest()


def test_a_killed_process_leaves_a_whole_sweep(tmp_path):
    code = (
        "import sys, numpy as np; from multiconvex import Checkpoint, nmf;"
        "X = np.random.default_rng(0).random((200, 12));"
        "nmf(X, 3, max_iter=10**9, tol=0, acceleration=None, random_state=0,"
        " callback=Checkpoint(sys.argv[1]))"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)])
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("point-*")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    point = Checkpoint(tmp_path).latest()
    W, H = point.init
    np.testing.assert_allclose(0.5 * np.sum((X - W @ H.T) ** 2), point.objective, rtol=1e-10)
