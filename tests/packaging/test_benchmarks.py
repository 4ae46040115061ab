"""The arithmetic of the benchmark harness, on a clock that the test moves itself."""

import importlib
import json
import os
from dataclasses import dataclass, field

import pytest


@dataclass
class Clock:
    """A clock that stands still unless something takes time."""

    now: float = 0.0
    log: list[str] = field(default_factory=list)

    def __call__(self):
        return self.now

    def takes(self, name, *seconds):
        """Callable whose successive calls take these seconds; the last lasts."""
        remaining = list(seconds)

        def call(data):
            self.log.append(name)
            self.now += remaining.pop(0) if len(remaining) > 1 else remaining[0]
            return data

        return call


@pytest.fixture(autouse=True)
def on_the_path(monkeypatch, repository):
    monkeypatch.syspath_prepend(str(repository / "benchmarks"))


@pytest.fixture
def harness():
    return importlib.import_module("harness")


@pytest.fixture
def timing():
    return importlib.import_module("timing")


def a_case(harness, ours, peer, **options):
    settings = {"name": "x", "target": 2, "setup": lambda: 0.0, "peer_name": "y", **options}
    return harness.Case(ours=ours, peer=peer, **settings)


def test_the_figure_is_the_ratio_of_the_medians(harness):
    clock = Clock()
    ours, peer = clock.takes("ours", 9, 1, 1, 50, 1), clock.takes("peer", 99, 3, 3, 3, 0.1, 3)
    measured = a_case(harness, ours, peer).measure(clock)
    assert (measured.ours_seconds, measured.peer_seconds, measured.figure) == (1, 3, 3)
    assert measured.reached


def test_first_calls_are_outside_the_clock_and_then_both_take_turns(harness):
    clock = Clock()
    a_case(harness, clock.takes("ours", 1), clock.takes("peer", 1), repetitions=2).measure(clock)
    assert clock.log == ["ours", "peer"] * 3


def test_a_ratio_below_its_target_is_a_miss(harness):
    clock = Clock()
    case = a_case(harness, clock.takes("ours", 1), clock.takes("peer", 1.9))
    assert not case.measure(clock).reached


def test_answers_that_differ_are_a_miss_however_fast(harness):
    clock = Clock()
    ours, peer = clock.takes("ours", 1), clock.takes("peer", 9)
    far = a_case(harness, ours, peer, gap=lambda ours, peer: 1e-3, largest_gap=1e-6).measure(clock)
    near = a_case(harness, ours, peer, gap=lambda ours, peer: 1e-9, largest_gap=1e-6).measure(clock)
    assert (far.reached, near.reached) == (False, True)
    assert far.remark == "answers 1.0e-03 apart"


def decay(clock, name, rate, seconds):
    """Method whose objective after n iterations is 1 + rate**n, at some seconds per iteration."""

    def method(start, n_iter):
        clock.log.append(f"{name} {n_iter}")
        clock.now += seconds * n_iter
        return start + rate**n_iter

    return method


def a_race(harness, ours, peer, **options):
    settings = {"name": "x", "target": 2, "setup": lambda: 1.0, "peer_name": "y", **options}
    return harness.Race(ours=ours, peer=peer, objective=lambda start, end: end, **settings)


def test_a_race_times_whole_runs_that_are_just_long_enough(harness):
    clock = Clock()
    ours, peer = decay(clock, "ours", 0.5, 1), decay(clock, "peer", 0.9, 1)
    measured = a_race(harness, ours, peer, gap=1e-3, repetitions=3).measure(clock)
    assert measured.ours_seconds == 10  # 0.5**10 < 1e-3 < 0.5**9
    assert 66 <= measured.peer_seconds <= 69  # 0.9**66 < 1e-3 < 0.9**65, within 5%
    assert clock.log[-6:] == ["ours 10", f"peer {measured.peer_seconds:.0f}"] * 3
    assert measured.figure == measured.peer_seconds / 10


def test_a_peer_that_does_not_arrive_is_timed_over_its_longest_run(harness):
    clock = Clock()
    race = a_race(harness, decay(clock, "o", 0.5, 1), decay(clock, "p", 0.999, 1), longest=100)
    measured = race.measure(clock)
    assert (measured.peer_seconds, measured.reached) == (100, True)
    assert measured.remark.endswith("peer > 100")


def test_not_arriving_ourselves_is_a_miss(harness):
    clock = Clock()
    race = a_race(harness, decay(clock, "o", 0.999, 0.01), decay(clock, "p", 0.5, 1), longest=100)
    measured = race.measure(clock)
    assert (measured.figure, measured.reached) == (0.0, False)


@pytest.mark.parametrize("needed", [1, 2, 3, 16, 17, 1000])
def test_the_budget_is_sufficient_and_within_five_percent_of_the_smallest(timing, needed):
    asked = []

    def objective_after(n_iter):
        asked.append(n_iter)
        return float(n_iter < needed)

    found = timing.iterations_to_target(objective_after, 0.5, longest=1000)
    assert needed <= found <= max(needed * 1.06, needed)
    assert len(asked) == len(set(asked)) <= 16
    assert timing.iterations_to_target(objective_after, 0.5, longest=needed - 1 or 1) in (None, 1)


def test_memory_counts_what_a_call_holds_at_its_peak(timing):
    import numpy as np

    assert 80e6 < timing.peak_bytes(lambda: np.ones(10_000_000).sum()) < 90e6
    assert timing.peak_bytes(lambda: None) < 5e6


def test_memory_freed_before_the_call_does_not_hide_what_the_call_needs(timing):
    import numpy as np

    for _ in range(3):
        np.ones(3_000_000).sum()
    assert timing.peak_bytes(lambda: np.ones(3_000_000).sum()) > 20e6


def test_a_call_that_fails_says_so_and_stays_in_its_own_process(timing, tmp_path):
    escaped = tmp_path / "escaped"
    try:
        with pytest.raises(RuntimeError, match="call it alone to see why"):
            timing.peak_bytes(lambda: 1 / 0)
    except ZeroDivisionError:
        escaped.touch()
        os._exit(1)
    assert not escaped.exists()


@pytest.mark.parametrize(("target", "reached"), [(2.0, True), (1.9, False)])
def test_a_limit_bounds_the_median_from_above(harness, target, reached):
    values = iter([9.0, 2.0, 1.0])
    measured = harness.Limit("x", lambda: next(values), target, repetitions=3).measure()
    assert (measured.figure, measured.reached) == (2.0, reached)


def test_every_module_declares_distinct_cases_with_positive_targets(harness):
    names = importlib.import_module("run").available()
    cases = [c for name in names for c in importlib.import_module(f"bench_{name}").CASES]
    assert "import" in names
    assert all(isinstance(case, harness.Case | harness.Race | harness.Limit) for case in cases)
    assert all(case.target > 0 for case in cases)
    assert len({case.name for case in cases}) == len(cases)


def test_the_table_says_how_it_was_made(harness, tmp_path):
    report = importlib.import_module("report")
    clock = Clock()
    measured = a_case(harness, clock.takes("o", 0.001), clock.takes("p", 3.0)).measure(clock)
    setting = report.describe("python benchmarks/run.py x")
    report.write([measured], setting, tmp_path)
    page = (tmp_path / "benchmarks.md").read_text()
    assert "- command: python benchmarks/run.py x\n" in page
    assert {"date", "machine", "BLAS threads", "Python", "multiconvex", "numpy"} <= set(setting)
    assert "| x | y | 1 ms | 3.00 s |" in page
    assert "| 3000.0× | ≥ 2× | reached |" in page
    stored = json.loads((tmp_path / "benchmarks.json").read_text())
    assert stored["measurements"][0]["figure"] == measured.figure
    assert stored["setting"] == setting


def test_the_command_line_limits_the_threads_and_fails_on_a_miss(harness, monkeypatch, tmp_path):
    import sys
    from types import ModuleType

    from threadpoolctl import threadpool_info

    run = importlib.import_module("run")
    pools = []

    def seconds():
        pools.extend(pool["num_threads"] for pool in threadpool_info())
        return 1.0

    module = ModuleType("bench_import")
    module.CASES = (harness.Limit("hit", seconds, target=2.0),)
    monkeypatch.setitem(sys.modules, "bench_import", module)
    command = ["import", "--output", str(tmp_path)]
    assert run.main(command) == 0
    assert pools and set(pools) == {1}
    module.CASES += (harness.Limit("miss", seconds, target=0.5),)
    assert run.main(command) == 1


def test_a_case_whose_peer_is_not_installed_is_left_out_and_says_how_to_install_it(
    harness, monkeypatch, tmp_path, capsys
):
    import sys
    from types import ModuleType

    run = importlib.import_module("run")
    module, clock = ModuleType("bench_import"), Clock()
    settings = {"repetitions": 1, "peer_name": "nobody"}
    there, absent = (
        a_case(
            harness, clock.takes("ours", 1), clock.takes("peer", 3), name=name, needs={name: how},
            setup=lambda name=name: float(importlib.import_module(name) is None), **settings,
        )
        for name, how in (("json", ""), ("no_such_peer", "pip install no-such-peer"))
    )  # fmt: skip
    module.CASES = (absent,)
    monkeypatch.setitem(sys.modules, "bench_import", module)
    assert run.main(["import", "--output", str(tmp_path)]) == 0
    told = capsys.readouterr()
    assert "left out: it needs no_such_peer (pip install no-such-peer)" in told.err
    assert json.loads((tmp_path / "benchmarks.json").read_text())["measurements"] == []
    assert run.missing(there) == ""


def test_a_benchmark_that_does_not_exist_is_refused_with_the_names_that_do(capsys):
    run = importlib.import_module("run")
    with pytest.raises(SystemExit):
        run.main(["imports"])
    refusal = f"no benchmark imports; there are {', '.join(run.available())}"
    assert refusal in " ".join(capsys.readouterr().err.split())
