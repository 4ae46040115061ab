"""A table of measurements with what is needed to believe them: machine, versions, date, command."""

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from harness import Measurement
from threadpoolctl import threadpool_info

PACKAGES = ("multiconvex", "numpy", "scipy", "numba", "scikit-learn", "tensorly")
HEADER = (
    "| benchmark | peer | ours | peer's | extra memory | figure | target | |\n"
    "|---|---|---|---|---|---|---|---|"
)


def describe(command: str) -> dict[str, str]:
    """Machine, versions, date and command of a run."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": command,
        "machine": f"{_processor()}, {os.cpu_count()} cores, {platform.system()}",
        "BLAS threads": _largest_pool(),
        "Python": platform.python_version(),
        **{package: version(package) for package in PACKAGES},
    }


def as_markdown(measurements: Sequence[Measurement], setting: dict[str, str]) -> str:
    """The table as a page."""
    described = "\n".join(f"- {key}: {value}" for key, value in setting.items())
    rows = "\n".join(map(_row, measurements))
    return f"# Benchmarks\n\n{described}\n\n{HEADER}\n{rows}\n"


def write(measurements: Sequence[Measurement], setting: dict[str, str], folder: Path) -> None:
    """Write ``benchmarks.md`` and ``benchmarks.json`` into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "benchmarks.md").write_text(as_markdown(measurements, setting))
    content = {"setting": setting, "measurements": [asdict(one) for one in measurements]}
    (folder / "benchmarks.json").write_text(json.dumps(content, indent=2) + "\n")


def _row(one: Measurement) -> str:
    ratio = one.unit == "ratio"
    cells = (
        one.name,
        one.peer_name,
        _seconds(one.ours_seconds),
        _seconds(one.peer_seconds),
        f"{_megabytes(one.ours_bytes)} / {_megabytes(one.peer_bytes)}" if one.ours_bytes else "",
        f"{one.figure:.1f}×" if ratio else _seconds(one.figure),
        f"≥ {one.target:g}×" if ratio else f"≤ {one.target:g} s",
        " ".join(filter(None, ("reached" if one.reached else "**missed**", one.remark))),
    )
    return f"| {' | '.join(cells)} |"


def _seconds(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.2f} s" if value >= 1 else f"{1e3 * value:.3g} ms"


def _megabytes(value: int | None) -> str:
    return "" if value is None else f"{value / 1e6:.1f} MB"


def _largest_pool() -> str:
    return str(max((pool["num_threads"] for pool in threadpool_info()), default=1))


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if not cpuinfo.exists():
        return platform.processor() or platform.machine()
    names = (line for line in cpuinfo.read_text().splitlines() if line.startswith("model name"))
    return next(names, f"model name: {platform.machine()}").partition(": ")[2]
