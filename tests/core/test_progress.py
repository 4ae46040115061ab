"""Progress: what it shows, and that an interrupt ends any fit with its work kept."""

import io
import pickle
import signal
import threading
import warnings

import numpy as np
import pytest

from multiconvex import (
    InputOutputHMM,
    Progress,
    Sweep,
    cp,
    fit_starts,
    learn_groups,
    nmf,
    parafac2,
)
from multiconvex.datasets import make_grouped_tasks, make_io_hmm
from multiconvex.progress import _can_be_rewritten

RNG = np.random.default_rng(0)
MATRIX = RNG.random((9, 7))
TENSOR = RNG.random((6, 5, 4))
TASKS = make_grouped_tasks(12, 10, 6, 2, random_state=0)
SEQUENCE = make_io_hmm(80, random_state=0)


def fit_states(inference):
    def fit(callback):
        model = InputOutputHMM(
            2, inference=inference, n_starts=4, tol=0.0, random_state=0, callback=callback
        )
        return model.fit(SEQUENCE.X, SEQUENCE.y).result_

    return fit


FITS = {
    "nmf": lambda callback: nmf(MATRIX, 3, tol=0, callback=callback, random_state=0),
    "cp": lambda callback: cp(TENSOR, 2, tol=0, callback=callback, random_state=0),
    "parafac2": lambda callback: parafac2(
        list(TENSOR), 2, tol=0, callback=callback, random_state=0
    ),
    "labels": fit_states("labels"),
    "expectation-maximisation": fit_states("em"),
    "groups": lambda callback: learn_groups(
        TASKS.X, TASKS.Y, 2, n_inner=10, tol=0, callback=callback, random_state=0
    ),
}


def interrupting(progress, at):
    """A callback that interrupts, as the keyboard does, at some of the sweeps it sees."""
    seen = []

    def callback(sweep):
        seen.append(sweep)
        if len(seen) in at:
            signal.raise_signal(signal.SIGINT)
        return progress(sweep)

    return callback, seen


@pytest.fixture(autouse=True)
def keyboard():
    """Interrupts raise, whatever started the tests; and are as they were afterwards."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    left = signal.signal(signal.SIGINT, before)
    assert left is signal.default_int_handler


@pytest.mark.parametrize("name", FITS)
def test_an_interrupt_ends_the_fit_after_its_sweep_and_keeps_the_result(name):
    with Progress() as progress:
        callback, seen = interrupting(progress, {2})
        result = FITS[name](callback)
    assert progress.interrupted
    assert len(seen) == 2
    assert result.status == "stopped"
    assert result.trace.iteration[-1] == seen[-1].iteration
    if name != "parafac2":  # whose profiles are restored at the end
        last = seen[-1].blocks
        assert all(np.array_equal(result.blocks[block], last[block]) for block in last)


def test_a_second_interrupt_raises_and_the_best_sweep_is_still_there():
    with Progress() as progress:
        callback, seen = interrupting(progress, {3, 4})
        with pytest.raises(KeyboardInterrupt):
            nmf(MATRIX, 3, tol=0, callback=lambda sweep: callback(sweep) and False, random_state=0)
    assert len(seen) == 4
    assert progress.best is seen[2]
    assert progress.best.blocks["W"].shape == (9, 3)


def test_without_an_interrupt_nothing_changes():
    with Progress(30) as progress:
        shown = nmf(MATRIX, 3, tol=0, max_iter=30, callback=progress, random_state=0)
    alone = nmf(MATRIX, 3, tol=0, max_iter=30, random_state=0)
    assert not progress.interrupted
    assert np.array_equal(shown.W, alone.W)
    assert progress.best.objective == min(shown.trace.objective[1:])


def test_the_best_sweep_is_the_lowest_where_objectives_rise():
    sweeps = [
        Sweep(iteration, 0.0, objective, "sweep", {})
        for iteration, objective in enumerate((3.0, 1.0, 2.0), start=1)
    ]
    with Progress() as progress:
        assert not any(progress(sweep) for sweep in sweeps)
    assert progress.best is sweeps[1]


def test_interrupts_are_as_before_after_an_exception():
    with pytest.raises(ZeroDivisionError), Progress():
        raise ZeroDivisionError
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_interrupt_is_forgotten_by_the_next_statement():
    progress = Progress()
    with progress:
        callback, _ = interrupting(progress, {1})
        nmf(MATRIX, 2, callback=callback, random_state=0)
    with progress:
        assert not progress.interrupted
        assert progress.best is None


def test_other_threads_show_progress_and_leave_interrupts_alone():
    handlers = []

    def work():
        with Progress() as progress:
            handlers.append(signal.getsignal(signal.SIGINT))
            nmf(MATRIX, 2, tol=0, max_iter=3, callback=progress, random_state=0)
        handlers.append(progress.best.iteration)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert handlers == [signal.default_int_handler, 3]


@pytest.fixture
def terminal(monkeypatch):
    """Output goes where a line can be replaced by the next one."""
    monkeypatch.setattr("multiconvex.progress._can_be_rewritten", lambda stream: True)


@pytest.mark.usefixtures("terminal")
def test_the_bar_shows_the_objective(capsys):
    with Progress(40, name="factors") as progress:
        result = nmf(MATRIX, 3, tol=0, max_iter=40, callback=progress, random_state=0)
    shown, errors = capsys.readouterr()
    assert "factors" in shown
    assert "40/40" in shown
    assert f"objective {result.objective:.6g}" in shown
    assert errors == ""


@pytest.mark.usefixtures("terminal")
def test_the_bar_starts_again_with_every_fit(capsys):
    begun = []
    with Progress(8) as progress:
        for rank in (1, 2):
            progress.describe(f"rank {rank}")
            nmf(MATRIX, rank, tol=0, max_iter=8, callback=progress, random_state=0)
            begun.append(progress._display._bar.start_t)
    assert begun[0] < begun[1]
    shown = capsys.readouterr().out
    assert "fit, rank 2" in shown
    assert "16/" not in shown


@pytest.mark.parametrize("has_tqdm", [True, False])
def test_in_a_file_or_without_tqdm_lines_become_rare(has_tqdm, capsys, monkeypatch):
    monkeypatch.setattr("multiconvex.progress._can_be_rewritten", lambda stream: not has_tqdm)
    monkeypatch.setattr("multiconvex.progress.find_spec", lambda name: has_tqdm or None)
    with Progress(20) as progress:
        nmf(MATRIX, 2, tol=0, max_iter=20, callback=progress, random_state=0)
    shown = capsys.readouterr().out
    assert "\r" not in shown
    lines = shown.splitlines()
    assert [line.split(",")[0] for line in lines] == [
        f"fit: sweep {sweep} of 20" for sweep in (1, 2, 4, 8, 16)
    ]


def test_a_page_of_the_book_gets_one_line(capsys, monkeypatch):
    monkeypatch.setenv("MULTICONVEX_STATIC", "1")
    with Progress(20, name="nmf") as progress:
        result = nmf(MATRIX, 2, tol=0, max_iter=20, callback=progress, random_state=0)
    shown, errors = capsys.readouterr()
    assert shown == f"nmf: 20 sweeps, best objective {result.objective:.6g}\n"
    assert errors == ""


def test_a_statement_inside_another_is_the_same_progress():
    with Progress() as progress:
        fit_starts(
            lambda seed, callback: nmf(
                MATRIX, 2, init="random", random_state=seed, callback=callback
            ),
            2,
            random_state=0,
            progress=progress,
        )
        assert not progress(Sweep(1, 0.0, 0.0, "sweep", {}))


def test_misuse_is_refused_in_sentences():
    with pytest.raises(RuntimeError, match="inside a with statement"):
        Progress()(Sweep(1, 0.0, 0.0, "sweep", {}))
    with pytest.raises(TypeError, match="n_jobs=None"):
        pickle.dumps(Progress())
    with pytest.raises(ValueError, match="total must be an integer"):
        Progress(0)


def test_nothing_is_warned_of():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with Progress():
            pass


def test_one_line_counts_several_fits(capsys, monkeypatch):
    monkeypatch.setenv("MULTICONVEX_STATIC", "1")
    with Progress(20, name="nmf") as progress:
        for rank in (1, 2):
            progress.describe(f"rank {rank}")
            nmf(MATRIX, rank, tol=0, max_iter=20, callback=progress, random_state=0)
    assert capsys.readouterr().out.startswith("nmf: 2 fits, 40 sweeps, best objective")


def test_only_terminals_and_notebooks_can_be_rewritten():
    class Notebook(io.StringIO):
        __module__ = "ipykernel.iostream"

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    found = [_can_be_rewritten(stream) for stream in (io.StringIO(), Notebook(), Terminal())]
    assert found == [False, True, True]
