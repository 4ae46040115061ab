"""What Binder compiles on one computer is found on another: its wrapper names one processor."""

import os
import platform
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(
    platform.machine() != "x86_64", reason="binder/start names a processor for x86-64 alone"
)

KERNEL = """
from numba import njit

@njit(cache=True)
def double(x):
    return 2 * x
"""
# A computer whose processor has a name of its own: prints how often the kernel was found.
ELSEWHERE = """
import sys
import llvmlite.binding

llvmlite.binding.get_host_cpu_name = lambda: sys.argv[1]
import kernel

assert kernel.double(2.0) == 4.0
print(sum(kernel.double.stats.cache_hits.values()))
"""


@pytest.fixture
def found_on(repository, tmp_path):
    """How often a process finds the compiled kernel, on a named processor and behind a wrapper."""
    (tmp_path / "kernel.py").write_text(KERNEL)
    variables = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    wrappers = {True: [repository / "binder/start"], False: []}

    def run(processor, *, wrapped):
        command = [*wrappers[wrapped], sys.executable, "-c", ELSEWHERE, processor]
        done = subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return int(done.stdout)

    return run


def test_kernels_compiled_on_one_processor_are_found_on_another(found_on):
    assert found_on("haswell", wrapped=True) == 0
    assert found_on("skylake", wrapped=True) == 1


def test_without_the_wrapper_they_are_compiled_again(found_on):
    assert found_on("haswell", wrapped=False) == 0
    assert found_on("skylake", wrapped=False) == 0


def test_the_wrapper_passes_arguments_and_exit_codes_on(repository):
    command = [repository / "binder/start", "sh", "-c", 'echo "$1"; exit 3', "sh", "two words"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.stdout, done.returncode) == ("two words\n", 3)


def test_the_image_starts_through_the_wrapper(tool, tracked_copy):
    options = ["--no-build", "--debug", "--user-id", "1000", "--user-name", "jovyan"]
    said = tool("jupyter-repo2docker", *options, ".", cwd=tracked_copy)
    assert 'ENV R2D_ENTRYPOINT="${REPO_DIR}/binder/start"' in said
