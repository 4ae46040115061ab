"""Measure every case of ``bench_*.py`` and write the table.

python benchmarks/run.py                      everything
python benchmarks/run.py nnls nmf             bench_nnls.py and bench_nmf.py
python benchmarks/run.py --output results     the table goes to that folder
"""

import argparse
import importlib
import importlib.util
import shlex
import sys
from pathlib import Path

from report import as_markdown, describe, write
from threadpoolctl import threadpool_limits

HERE = Path(__file__).resolve().parent


def available() -> list[str]:
    """Names of the benchmark modules, without their prefix."""
    return sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))


def missing(case) -> str:
    """What a case needs and is not installed, with how to install it; empty where all is there."""
    needs = getattr(case, "needs", {}).items()
    lacking = [f"{name} ({how})" for name, how in needs if importlib.util.find_spec(name) is None]
    return ", ".join(lacking)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Measure speed as ratios against named peers.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(available()))
    parser.add_argument("--output", type=Path, default=HERE / "results", metavar="FOLDER")
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.names) - set(available()))
    if unknown:
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(available())}")

    # Everything is imported before the pools are limited, or it would bring unlimited ones.
    modules = [importlib.import_module(f"bench_{name}") for name in options.names or available()]
    measurements = []
    with threadpool_limits(limits=1):
        setting = describe(shlex.join(["python", "benchmarks/run.py", *arguments]))
        for case in (case for module in modules for case in module.CASES):
            print(case.name, file=sys.stderr, flush=True)
            lacking = missing(case)
            if lacking:
                print(f"  left out: it needs {lacking}", file=sys.stderr, flush=True)
                continue
            measurements.append(case.measure())
    write(measurements, setting, options.output)
    print(as_markdown(measurements, setting))
    return 0 if all(one.reached for one in measurements) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
