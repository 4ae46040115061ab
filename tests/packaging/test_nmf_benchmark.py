"""The benchmark of NMF solvers runs under benchopt, and its summary says what was measured."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

SOLVERS = (
    "multiconvex[update=[default,'joint majorant'],way=plain]",
    "scikit-learn[solver=mu]",
)


@pytest.fixture(scope="module")
def command(request):
    path = Path(__file__).resolve().parents[2] / "benchmarks/nmf/run.py"
    spec = importlib.util.spec_from_file_location("nmf_benchmark", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def runs(solver, *points):
    """Runs of one solver, pairs of seconds and objective."""
    return [
        {
            "solver": solver, "time": seconds, "objective_value": value, "objective_rows": 4,
            "objective_columns": 3, "objective_rank": 2, "objective_stored": 9,
        }
        for seconds, value in points
    ]  # fmt: skip


def test_seconds_are_those_of_the_shortest_run_that_reached_the_gap(command):
    table = pd.DataFrame(
        runs("slow", (0.0, 2.0), (1.0, 1.2), (2.0, 1.0)) + runs("other", (0.5, 1.05), (0.1, 1.5))
    )
    problem = command.summarise(("x", "frobenius", 0.0), table)
    assert problem["best"] == 1.0
    assert problem["seconds"]["slow"] == [2.0] * 11
    assert problem["seconds"]["other"] == [0.5] + [None] * 10
    assert (problem["rows"], problem["columns"], problem["rank"], problem["stored"]) == (4, 3, 2, 9)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("multiconvex[update=default,way=plain]", "nmf, default"),
        ("multiconvex[update=scalar Newton,way=Sinkhorn]", "scalar Newton, Sinkhorn"),
        ("scikit-learn[solver=cd]", "scikit-learn cd"),
    ],
)
def test_solvers_have_one_name(command, name, shown):
    assert command.name_solver(name) == shown


def test_gaps_fall_from_a_tenth_to_a_millionth(command):
    assert command.GAPS[0] == pytest.approx(0.1)
    assert command.GAPS[-1] == pytest.approx(1e-6)


def test_benchopt_runs_it(command, tmp_path):
    found = tmp_path / "runs.parquet"
    options = [part for name in SOLVERS for part in ("-s", name)]
    subprocess.run(
        [
            Path(sys.executable).parent / "benchopt", "run", command.HERE, "--no-cache",
            "--no-plot", "--no-display", "-n", "3",
            "-d", "Synthetic[kind='sparse counts',size=0.05]",
            "-o", "NMF[loss=kullback-leibler,weight=0.05]", *options, "--output", str(found),
        ],
        check=True, capture_output=True, timeout=240, env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    table = command.read_runs(found)
    assert set(table.solver) == {"nmf, default", "joint majorant", "scikit-learn mu"}
    assert set(table.dataset) == {"synthetic sparse counts"}
    problems = [command.summarise(*group) for group in table.groupby(command.PROBLEM)]
    assert len(problems) == 1
    first = table[table.stop_val == 0].objective_value
    assert first.nunique() == 1, "every solver starts from the same point"
    assert problems[0]["best"] < first.iloc[0]
    for _, curve in table.groupby("solver"):
        assert curve.sort_values("stop_val").objective_value.is_monotonic_decreasing


def test_the_stored_run_says_how_to_repeat_it(command):
    stored = json.loads(command.SUMMARY.read_text(encoding="utf-8"))
    made = stored["provenance"]
    assert made["command"].startswith("python benchmarks/nmf/run.py")
    assert {"python", *command.PACKAGES} <= set(made["versions"])
    assert {"date", "machine", "processor", "threads", "timeout", "origins"} <= set(made)
    assert command.SUMMARY.stat().st_size < 200_000
