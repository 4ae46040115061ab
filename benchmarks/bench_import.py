"""How long a reader waits for the first import, in a process that has imported nothing."""

import subprocess
import sys
from functools import partial

from harness import Limit

PROGRAM = "import time; start = time.perf_counter(); {}; print(time.perf_counter() - start)"


def seconds_of(statement: str) -> float:
    """Seconds that a statement takes in a fresh process, the start of Python aside."""
    command = [sys.executable, "-c", PROGRAM.format(statement)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


CASES = (
    Limit("import multiconvex", partial(seconds_of, "import multiconvex"), target=1.5),
    Limit("import of the first model", partial(seconds_of, "from multiconvex import nmf"), 1.5),
)
