"""Factorise virtual matrices of up to 20 GB on two workers, and store what was measured.

python benchmarks/scale_out.py                up to 20 GB, where the chapter reads it
python benchmarks/scale_out.py --rows 250000  that many rows only, printed

The matrices exist chunk by chunk only. Workers are limited to 2 GB each: one that needs more is
killed, and the run fails.
"""

import argparse
import shlex
import sys
from importlib.metadata import version
from importlib.resources import files

from report import describe

from multiconvex.studies.scaling_out import VirtualRows, as_json, run_on_workers

ROWS = (62_500, 250_000, 625_000, 2_500_000)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description="Measure sweeps over virtual matrices.")
    parser.add_argument("--rows", type=int, metavar="N")
    options = parser.parse_args(arguments)
    runs = []
    for rows in [options.rows] if options.rows else ROWS:
        runs.append(run_on_workers(VirtualRows(rows)))
        print(runs[-1], file=sys.stderr, flush=True)
    setting = describe(shlex.join(["python", "benchmarks/scale_out.py", *arguments]))
    stored = as_json({**setting, "dask": version("dask")}, runs)
    if options.rows:
        print(stored)
    else:
        path = files("multiconvex.studies").joinpath("data/scaling_out.json")
        path.write_text(stored, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
