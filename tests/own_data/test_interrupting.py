"""The square button of Jupyter, and Ctrl-C in a terminal: the fit ends and its result is there."""

import os
import signal
import subprocess
import sys
from queue import Empty

import pytest
from jupyter_client.manager import start_new_kernel

FIT = """
import numpy as np
from multiconvex import Progress, nmf
X = np.random.default_rng(0).random((60, 50))

def announce(sweep):
    if sweep.iteration == 5:
        print("running", flush=True)
    return progress(sweep)

with Progress(name="nmf") as progress:
    result = nmf(X, 5, tol=0, max_iter=10**9, callback=announce, random_state=0)
"""
AFTERWARDS = "print(result.status, progress.interrupted, np.isfinite(result.W).all(), flush=True)"


def printed(client, until):
    """Read what a kernel prints until some text has come, or the cell has ended."""
    shown = ""
    while until not in shown:
        message = client.get_iopub_msg(timeout=60)
        content = message["content"]
        if message["msg_type"] == "error":
            raise AssertionError("\n".join(content["traceback"]))
        if message["msg_type"] == "stream":
            shown += content["text"]
        if message["msg_type"] == "status" and content["execution_state"] == "idle" and shown:
            break
    return shown


def test_the_square_of_jupyter_ends_the_fit_and_the_next_cell_has_the_result():
    manager, client = start_new_kernel(kernel_name="python3")
    try:
        client.execute(FIT)
        assert "running" in printed(client, "running")
        manager.interrupt_kernel()
        assert client.get_shell_msg(timeout=60)["content"]["status"] == "ok"
        client.execute(AFTERWARDS)
        assert "stopped True True" in printed(client, "stopped")
    except Empty:
        pytest.fail("the kernel has not answered within a minute")
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def test_ctrl_c_ends_the_fit_and_the_program_goes_on():
    code = "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
    with subprocess.Popen(
        [sys.executable, "-u", "-c", code + FIT + AFTERWARDS],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "MULTICONVEX_STATIC": "1"},
    ) as process:
        assert process.stdout.readline() == "running\n"
        process.send_signal(signal.SIGINT)
        shown = process.stdout.read()
    assert process.returncode == 0
    assert shown.startswith("nmf: ")
    assert shown.endswith("stopped True True\n")
