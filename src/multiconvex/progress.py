"""What a long fit shows while it runs, and how it ends early without losing its work."""

import os
import signal
import sys
import threading
from importlib.util import find_spec

from multiconvex.checks import check_count


class Progress:
    """A callback that shows how far a fit is, and lets an interrupt end it with its result.

    In a `with` statement, interrupting once (Ctrl-C, or the square of Jupyter) lets the sweep
    finish; the fit then returns what it has, with the status ``"stopped"``. Interrupting twice
    raises :class:`KeyboardInterrupt` at once, and `best` still holds the best sweep.

    Parameters
    ----------
    total : int, optional
        Largest number of sweeps of a fit, ``max_iter``, where it is known.
    name : str, default "fit"
        What is being fitted, for the display.

    Attributes
    ----------
    best : Sweep or None
        The sweep of lowest objective since the `with` statement began, blocks included.
    interrupted : bool

    Raises
    ------
    RuntimeError
        If it is called outside a `with` statement.

    Notes
    -----
    Interrupts are caught in the main thread only, and as before once the statement ends. The
    display is that of tqdm in a notebook or a terminal, where it is installed; elsewhere, such as
    in the log of a batch job, it is a line at sweeps 1, 2, 4, 8, ...; and with
    ``MULTICONVEX_STATIC=1``, as in the built book, it is one line at the end.

    Examples
    --------
    >>> from contextlib import redirect_stdout
    >>> from io import StringIO
    >>> import numpy as np
    >>> from multiconvex import Progress, nmf
    >>> X = np.random.default_rng(0).random((8, 5))
    >>> shown = StringIO()
    >>> with redirect_stdout(shown), Progress(20, name="nmf") as progress:
    ...     result = nmf(X, 2, max_iter=20, tol=0, callback=progress, random_state=0)
    >>> progress.interrupted, "nmf" in shown.getvalue()
    (False, True)
    >>> bool(np.isclose(progress.best.objective, result.objective))
    True
    """

    def __init__(self, total=None, *, name="fit"):
        self.total = None if total is None else check_count("total", total)
        self.name = name
        self.best = None
        self._interrupt = _Interrupt()
        self._display = None
        self._depth = 0

    @property
    def interrupted(self):
        """Whether the user asked the fit to end."""
        return self._interrupt.requested

    def __enter__(self):
        if not self._depth:
            self.best = None
            self._display = self._make_display()
            self._interrupt.catch()
        self._depth += 1
        return self

    def __exit__(self, *exception):
        self._depth -= 1
        if not self._depth:
            self._interrupt.release()
            display, self._display = self._display, None
            display.close()

    def __call__(self, sweep):
        """Show a sweep; return whether the fit should end with it."""
        if self._display is None:
            raise RuntimeError(
                "A Progress works inside a with statement: write "
                "'with Progress() as progress:' and pass callback=progress to the fit there."
            )
        if self.best is None or sweep.objective < self.best.objective:
            self.best = sweep
        self._display.show(sweep)
        return self.interrupted

    def describe(self, text):
        """Say which of several fits comes next, such as ``"start 3 of 10"``."""
        self._display.describe(f"{self.name}, {text}")

    def __getstate__(self):
        raise TypeError(
            "A Progress cannot follow fits in other processes: fit with n_jobs=None, or without it."
        )

    def _make_display(self):
        if os.environ.get("MULTICONVEX_STATIC") == "1":
            return _Summary(self.name)
        moves = _can_be_rewritten(sys.stdout) and find_spec("tqdm")
        return (_Bar if moves else _Lines)(self.name, self.total)


def _can_be_rewritten(stream):
    """Whether a line can be replaced by the next one: in a terminal and in a notebook."""
    return stream.isatty() or type(stream).__module__.startswith("ipykernel")


class SilentProgress(Progress):
    """Nothing to see, and still an interrupt ends fits one after the other."""

    def _make_display(self):
        return _Display()


class _Interrupt:
    """Makes the first interrupt a request, and the second an exception."""

    def __init__(self):
        self.requested = False
        self._before = None

    def catch(self):
        self.requested = False
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._note)

    def release(self):
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
            self._before = None

    def _note(self, number, frame):
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True


class _Display:
    """What is shown of sweeps: nothing."""

    def show(self, sweep):
        pass

    def describe(self, text):
        pass

    def close(self):
        pass


class _Summary(_Display):
    """One line at the end."""

    def __init__(self, name):
        self._name = name
        self._fits = self._sweeps = 0
        self._best = float("inf")

    def show(self, sweep):
        self._sweeps += 1
        self._best = min(self._best, sweep.objective)

    def describe(self, text):
        self._fits += 1

    def close(self):
        if self._sweeps:
            fits = f"{self._fits} fits, " if self._fits > 1 else ""
            print(f"{self._name}: {fits}{self._sweeps} sweeps, best objective {self._best:.6g}")


class _Lines(_Display):
    """A line at sweeps 1, 2, 4, 8, ... of each fit."""

    def __init__(self, name, total):
        self._name = name
        self._total = "" if total is None else f" of {total}"

    def show(self, sweep):
        if sweep.iteration & (sweep.iteration - 1) == 0:
            print(
                f"{self._name}: sweep {sweep.iteration}{self._total}, "
                f"objective {sweep.objective:.6g}",
                flush=True,
            )

    def describe(self, text):
        self._name = text


class _Bar(_Display):
    """The bar of tqdm: a widget in a notebook, text in a terminal."""

    def __init__(self, name, total):
        from tqdm.auto import tqdm

        self._bar = tqdm(total=total, desc=name, unit="sweep", file=sys.stdout)

    def show(self, sweep):
        if sweep.iteration < self._bar.n:
            self._bar.reset()
        self._bar.set_postfix_str(f"objective {sweep.objective:.6g}", refresh=False)
        self._bar.update(sweep.iteration - self._bar.n)

    def describe(self, text):
        self._bar.set_description_str(text)

    def close(self):
        self._bar.close()
