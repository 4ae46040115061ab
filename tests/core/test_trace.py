"""History and result of a fit."""

import dataclasses
import time

import numpy as np
import pytest

from multiconvex import Result, nnls
from multiconvex.memo import IdentityMemo
from multiconvex.trace import Clock, Recorder


def test_clock_counts_only_what_runs():
    clock = Clock()
    clock.pause()
    before = clock.elapsed()
    time.sleep(0.2)
    assert clock.elapsed() == before
    clock.resume()
    time.sleep(0.01)
    clock.pause()
    assert 0.01 <= clock.elapsed() - before < 0.2


def test_recorder_keeps_columns():
    recorder = Recorder()
    recorder.clock.pause()
    recorder.add(0, 3, "start")
    entry = recorder.add(1, 2.0, "sweep")
    trace = recorder.trace()
    assert entry == (1, recorder.clock.elapsed(), 2.0, "sweep")
    assert trace.iteration.tolist() == [0, 1]
    assert trace.objective.tolist() == [3.0, 2.0]
    assert trace.event.tolist() == ["start", "sweep"]
    assert len(trace) == 2


def test_result_is_frozen_and_says_what_it_is():
    result = nnls(np.eye(2), np.array([1.0, -1.0]))
    assert repr(result) == "Regression(x (1, 2); objective 0.5 after 1 sweeps, converged)"
    assert isinstance(result, Result)
    with pytest.raises(dataclasses.FrozenInstanceError):
        result.objective = 0.0


def test_memo_recognises_arrays_by_identity_only():
    memo, calls = IdentityMemo(), []
    a, b = np.ones(2), np.ones(2)

    def compute():
        calls.append(1)
        return len(calls)

    assert [memo("k", (a,), compute), memo("k", (a,), compute)] == [1, 1]
    assert memo("k", (b,), compute) == 2
    assert memo("other", (b,), compute) == 3
    assert memo("k", (b,), compute) == 2
