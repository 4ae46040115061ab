"""Run the comparison of NMF solvers and store its summary where the book reads it.

``python benchmarks/nmf/run.py`` makes the stored run; ``--timeout`` and ``--dataset`` make smaller
ones, and ``--summary`` writes them elsewhere.
"""

import argparse
import json
import os
import platform
import shlex
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SUMMARY = ROOT / "src/multiconvex/studies/data/nmf_solvers.json"
GAPS = [10 ** (-k / 2) for k in range(2, 13)]
OPTIONAL = ("nmf-rs",)
PACKAGES = ("benchopt", "multiconvex", "numba", "numpy", "scikit-learn", "scipy", "tensorly")
PROBLEM = ["dataset", "p_obj_loss", "p_obj_weight"]
LABELS = {"counts": "synthetic counts", "sparse counts": "synthetic sparse counts",
          "noisy": "synthetic noisy"}  # fmt: skip


def main():
    """Run benchopt in a folder of its own, then summarise what it measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--timeout", type=int, default=1, help="seconds for each curve")
    parser.add_argument("--dataset", action="append", default=[], help="as in benchopt run -d")
    parser.add_argument("--summary", type=Path, default=SUMMARY)
    options = parser.parse_args()
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        runs = Path(folder) / "runs.parquet"
        command = ["benchopt", "run", str(HERE), "--no-cache", "--no-plot", "--no-display"]
        command += ["--seed", "0", "--timeout", str(options.timeout), "--output", str(runs)]
        command += [part for name in options.dataset for part in ("-d", name)]
        threads = dict.fromkeys(
            ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
        )
        subprocess.run(
            [Path(sys.executable).parent / command[0], *command[1:]],
            check=True, env=os.environ | threads,
        )  # fmt: skip
        measured = read_runs(runs)
    shown = ["python", "benchmarks/nmf/run.py"]
    if options.timeout != parser.get_default("timeout"):
        shown += ["--timeout", str(options.timeout)]
    shown += [part for name in options.dataset for part in ("--dataset", name)]
    summary = {
        "provenance": provenance(shlex.join(shown), options.timeout, time.perf_counter() - start),
        "gaps": [float(f"{gap:.3g}") for gap in GAPS],
        "problems": [summarise(*group) for group in measured.groupby(PROBLEM, sort=True)],
    }
    text = json.dumps(summary, separators=(",", ":")).replace('{"dataset"', '\n{"dataset"')
    options.summary.write_text(text + "\n", encoding="utf-8")


def read_runs(path):
    """Return the table of benchopt with one name for each data set and for each solver."""
    import pandas as pd

    table = pd.read_parquet(path)
    kinds = table.filter(regex="^p_dataset_(kind|scene|source)$")
    table["dataset"] = kinds.bfill(axis=1).iloc[:, 0].replace(LABELS)
    table["solver"] = [name_solver(name) for name in table.solver_name]
    return table


def name_solver(name):
    """Return what the figures call a solver that benchopt names by its parameters.

    >>> name_solver("multiconvex[update=HALS,way=extrapolated]"), name_solver("tensorly[solver=mu]")
    ('HALS, extrapolated', 'tensorly mu')
    """
    package, _, options = name.rstrip("]").partition("[")
    values = dict(part.split("=") for part in options.split(","))
    if package != "multiconvex":
        return f"{package} {values['solver']}"
    if values["update"] == "default":
        return "nmf, default"
    return values["update"] + ("" if values["way"] == "plain" else f", {values['way']}")


def summarise(key, runs):
    """Return one problem: its size, the best objective, and seconds of each solver to each gap."""
    dataset, loss, weight = key
    best = float(runs.objective_value.min())
    first = runs.iloc[0]
    seconds = {
        solver: [time_to(curve, best * (1.0 + gap)) for gap in GAPS]
        for solver, curve in runs.groupby("solver")
    }
    return {
        "dataset": dataset, "loss": loss, "weight": weight,
        "rows": int(first.objective_rows), "columns": int(first.objective_columns),
        "rank": int(first.objective_rank), "stored": int(first.objective_stored),
        "best": best, "seconds": seconds,
    }  # fmt: skip


def time_to(curve, target):
    """Return the seconds of the shortest whole run that reached the target, None if none did."""
    reached = curve[curve.objective_value <= target]
    return float(f"{reached.time.min():.3g}") if len(reached) else None


def provenance(command, timeout, seconds):
    """Return what somebody needs who wants to repeat the run or to judge it."""
    from multiconvex.datasets import load_or_simulate

    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "command": command,
        "timeout": timeout,
        "minutes": round(seconds / 60, 1),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}",
        "processor": processor(),
        "threads": 1,
        "versions": {"python": platform.python_version()} | {p: version(p) for p in installed()},
        "origins": {name: load_or_simulate(name).origin for name in ("bbc", "amino_acids")},
    }


def installed():
    """Return the packages of the run, those that are optional where they are there."""
    return [*PACKAGES, *(name for name in OPTIONAL if find_spec(name.replace("-", "_")))]


def processor():
    """Return the name of the processor as the operating system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor())


if __name__ == "__main__":
    main()
