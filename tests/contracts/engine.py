"""What every fit that runs through the engine must satisfy."""

import itertools
import re

import numpy as np
import pytest

from multiconvex import ConvergenceWarning, RelativeDecrease, alternate


class EngineContract:
    """Subclasses give a problem, a start, an update and an acceleration."""

    acceleration = None
    slack = 1e-12
    events = ("sweep",)

    def problem(self):
        raise NotImplementedError

    def init(self):
        raise NotImplementedError

    update = None

    def fit(self, **options):
        options = {"acceleration": self.acceleration, "max_iter": 40} | options
        options = {"stop": RelativeDecrease(0.0)} | options
        update = options.pop("update", self.update)
        return alternate(self.problem(), options.pop("init", self.init()), update, **options)

    def test_trace_is_monotone_and_ends_at_the_result(self):
        result = self.fit()
        trace = result.trace
        assert np.diff(trace.objective).max() <= self.slack * trace.objective[0]
        assert trace.objective[-1] == result.objective < trace.objective[0]
        blocks = tuple(result.blocks.values())
        np.testing.assert_allclose(self.problem().objective(blocks), result.objective, rtol=1e-9)

    def test_trace_counts_sweeps_from_the_start(self):
        trace = self.fit(max_iter=7).trace
        np.testing.assert_array_equal(trace.iteration, np.arange(8))
        np.testing.assert_allclose(trace.objective[0], self.problem().objective(self.init()))
        assert trace.event[0] == "start"
        assert set(trace.event[1:]) <= set(self.events)
        assert len(trace) == len(trace.seconds) == len(trace.objective) == 8

    def test_clock_runs_forward(self):
        seconds = self.fit().trace.seconds
        assert seconds[0] >= 0.0
        assert np.all(np.diff(seconds) > 0.0)

    def test_same_bytes_twice(self):
        first, second = self.fit(), self.fit()
        assert first.trace.objective.tobytes() == second.trace.objective.tobytes()
        for name, block in first.blocks.items():
            assert block.tobytes() == second.blocks[name].tobytes()

    def test_callback_sees_the_true_objective_of_every_sweep(self):
        seen, problem = [], self.problem()

        def watch(sweep):
            true = problem.objective(tuple(sweep.blocks.values()))
            np.testing.assert_allclose(sweep.objective, true, rtol=1e-9)
            seen.append((sweep.iteration, sweep.objective, sweep.event, sweep.seconds))

        trace = self.fit(callback=watch).trace
        assert [entry[0] for entry in seen] == trace.iteration[1:].tolist()
        assert [entry[1] for entry in seen] == trace.objective[1:].tolist()
        assert [entry[2] for entry in seen] == trace.event[1:].tolist()
        assert [entry[3] for entry in seen] == trace.seconds[1:].tolist()
        assert set(trace.event[1:]) == set(self.events)

    def test_callback_is_not_timed(self, monkeypatch):
        ticks = itertools.count()
        hours = []
        monkeypatch.setattr(
            "multiconvex.trace.time.perf_counter", lambda: next(ticks) * 1e-6 + 3600.0 * len(hours)
        )
        trace = self.fit(callback=hours.append, max_iter=5).trace
        assert len(hours) == 5
        assert trace.seconds[-1] < 1.0

    def test_callback_does_not_change_the_fit(self):
        with_callback = self.fit(callback=lambda sweep: None)
        np.testing.assert_array_equal(self.fit().trace.objective, with_callback.trace.objective)

    def test_callback_stops(self):
        result = self.fit(callback=lambda sweep: sweep.iteration == 3)
        assert (result.n_iter, result.status, len(result.trace)) == (3, "stopped", 4)

    def test_no_sweeps_return_the_start(self):
        result = self.fit(max_iter=0)
        for block, start in zip(result.blocks.values(), self.init()):
            np.testing.assert_array_equal(block, start)
        assert (result.n_iter, result.status, len(result.trace)) == (0, "max_iter", 1)

    def test_start_is_never_modified(self):
        init = self.init()
        before = [block.copy() for block in init]
        result = self.fit(init=init)
        for block, copy, out in zip(init, before, result.blocks.values()):
            np.testing.assert_array_equal(block, copy)
            assert not np.shares_memory(block, out)

    def test_start_may_be_integer_fortran_or_read_only(self):
        init = [np.asfortranarray(np.ones(block.shape, int)) for block in self.init()]
        for block in init:
            block.flags.writeable = False
        plain = self.fit(init=[np.ones(block.shape) for block in init])
        np.testing.assert_array_equal(self.fit(init=init).trace.objective, plain.trace.objective)

    def test_loose_rules_stop_earlier(self):
        counts = [
            self.fit(stop=RelativeDecrease(tol), max_iter=5000).n_iter for tol in (1e-1, 1e-3, 1e-5)
        ]
        assert counts == sorted(counts)
        assert counts[0] < counts[-1] < 5000

    def test_converged_when_the_rule_is_met_and_not_before(self):
        result = self.fit(stop=RelativeDecrease(1e-4), max_iter=5000)
        decrease = -np.diff(result.trace.objective) / result.trace.objective[:-1]
        assert result.status == "converged"
        assert decrease[-1] <= 1e-4 < decrease[:-1].min()

    def test_warns_when_sweeps_run_out(self):
        sentence = "The fit used all 2 sweeps before RelativeDecrease.* was met: raise max_iter"
        with pytest.warns(ConvergenceWarning, match=sentence):
            result = self.fit(stop=RelativeDecrease(1e-13), max_iter=2)
        assert result.status == "max_iter"

    def test_trace_every(self):
        every, third = self.fit(max_iter=10), self.fit(max_iter=10, trace_every=3)
        assert third.trace.iteration.tolist() == [0, 3, 6, 9, 10]
        kept = np.isin(every.trace.iteration, third.trace.iteration)
        np.testing.assert_allclose(third.trace.objective, every.trace.objective[kept], rtol=1e-12)

    def test_each_option_changes_something(self):
        base = self.fit(stop=RelativeDecrease(1e-3), max_iter=2000)
        others = [
            self.fit(max_iter=3),
            self.fit(stop=RelativeDecrease(1e-6), max_iter=2000),
            self.fit(stop=RelativeDecrease(1e-3), max_iter=2000, trace_every=2),
            self.fit(stop=RelativeDecrease(1e-3), max_iter=2000, callback=lambda sweep: True),
            self.fit(init=[2.0 * block for block in self.init()], max_iter=3),
        ]
        traces = [(r.trace.iteration.tolist(), r.trace.objective.tolist()) for r in [base, *others]]
        for one, other in itertools.combinations(traces, 2):
            assert one != other

    @pytest.mark.parametrize("kind", [list, tuple])
    def test_wrong_starts_are_refused(self, kind):
        init = kind(self.init())
        names = [block.name for block in self.problem().blocks]
        with pytest.raises(ValueError, match=f"init must hold {len(names)} arrays"):
            self.fit(init=init[:-1])
        with pytest.raises(ValueError, match=r"init of .* must have shape"):
            self.fit(init=[block[:-1] for block in init])
        with pytest.raises(ValueError, match=r"init of .* has .* NaN or infinite entries"):
            self.fit(init=[np.full(block.shape, np.nan) for block in init])

    def test_rules_by_block_name(self):
        names = [block.name for block in self.problem().blocks]
        named = self.fit(update=dict.fromkeys(names, self.update))
        np.testing.assert_array_equal(named.trace.objective, self.fit().trace.objective)
        with pytest.raises(ValueError, match=f"no rule for block '{re.escape(names[-1])}'"):
            self.fit(update=dict.fromkeys(names[:-1], self.update))
