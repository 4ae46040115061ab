"""Ranks by hidden entries: the masked problem, no leaks, planted ranks, the rule of choice."""

import signal

import numpy as np
import pytest

from multiconvex import (
    Extrapolation,
    Frobenius,
    HeldOutRanks,
    KullbackLeibler,
    NonNegative,
    NoPenalty,
    RelativeDecrease,
    alternate,
    held_out_ranks,
)
from multiconvex.models.latent.hidden_markov import BlockMinimum
from multiconvex.models.nmf import default_update
from multiconvex.own_data.filled_problem import FilledProblem
from multiconvex.own_data.ranks import _draw_hidden, _predict

FREE, POSITIVE = (NoPenalty(),) * 2, (NonNegative(),) * 2


def planted(shape=(30, 25), rank=3, noise=0.05, seed=0, draw="random"):
    rng = np.random.default_rng(seed)
    factors = [getattr(rng, draw)((n, rank)) for n in shape]
    letters = "abcd"[: len(shape)]
    X = np.einsum(",".join(f"{letter}q" for letter in letters) + f"->{letters}", *factors)
    return X + noise * X.std() * getattr(rng, draw)(X.shape)


def some_hidden(shape, seed=1):
    return _draw_hidden(shape, 0.2, np.random.default_rng(seed))


def solve(X, hidden, rank, penalties, loss, **options):
    problem = FilledProblem(X, hidden, rank, penalties, loss)
    rng = np.random.default_rng(2)
    start = [rng.random((n, rank)) for n in X.shape]
    rule = default_update(loss, penalties)
    update = {block.name: rule for block in problem.blocks[:-1]} | {"hidden": BlockMinimum()}
    fit = alternate(
        problem,
        (*start, np.full(int(hidden.sum()), X.mean())),
        update,
        acceleration=Extrapolation(),
        **options,
    )
    return problem, fit


@pytest.mark.parametrize("loss", [Frobenius(), KullbackLeibler()])
def test_the_filled_objective_is_the_loss_on_visible_entries(loss):
    X, hidden = planted(), some_hidden((30, 25))
    _, fit = solve(X, hidden, 2, POSITIVE, loss, max_iter=15, stop=RelativeDecrease(0))
    model = fit.blocks["W"] @ fit.blocks["H"].T
    assert fit.objective == pytest.approx(loss.value(X[~hidden], model[~hidden]), rel=1e-10)
    np.testing.assert_allclose(fit.blocks["hidden"], model[hidden])
    assert np.all(np.diff(fit.trace.objective) <= 1e-12 * fit.trace.objective[0])


def test_a_minimiser_satisfies_the_conditions_of_the_masked_problem():
    X, hidden = planted((12, 9)), some_hidden((12, 9))
    options = {"max_iter": 20_000, "stop": RelativeDecrease(1e-15)}
    _, fit = solve(X, hidden, 2, POSITIVE, Frobenius(), **options)
    W, H = fit.blocks["W"], fit.blocks["H"]
    gap = np.where(hidden, 0.0, W @ H.T - X)
    for factor, gradient in ((W, gap @ H), (H, gap.T @ W)):
        assert np.abs(np.minimum(factor, gradient)).max() < 1e-4 * np.abs(X.T @ W).max()


def test_signed_factors_minimise_each_row_by_weighted_least_squares():
    """With the other factor fixed, each row is a least-squares problem on its visible entries."""
    X, hidden = planted((12, 9), draw="standard_normal"), some_hidden((12, 9))
    options = {"max_iter": 5000, "stop": RelativeDecrease(1e-14)}
    _, fit = solve(X, hidden, 2, FREE, Frobenius(), **options)
    W, H = fit.blocks["W"], fit.blocks["H"]
    rows = [np.linalg.lstsq(H[~out], x[~out], rcond=None)[0] for x, out in zip(X, hidden)]
    np.testing.assert_allclose(W, rows, atol=1e-4)


@pytest.mark.parametrize("loss", [Frobenius(), KullbackLeibler()])
def test_hidden_entries_do_not_leak(loss):
    X, hidden = planted(), some_hidden((30, 25))
    changed = np.where(hidden, 1e3, X)
    predictions = [
        _predict(data, hidden, 3, POSITIVE, loss, np.random.default_rng(0), max_iter=20)
        for data in (X, changed)
    ]
    assert np.array_equal(*predictions)


def test_rank_one_is_predicted_exactly():
    X = np.outer(1.0 + np.arange(12), 1.0 + np.arange(9))
    measured = held_out_ranks(X, [1], tol=1e-14, max_iter=5000, random_state=0)
    assert measured.errors.max() < 1e-8


@pytest.mark.parametrize(
    ("X", "options"),
    [
        (planted(), {}),
        (planted(draw="standard_normal"), {"nonnegative": False}),
        (planted((12, 10, 9)), {}),
        (planted((7, 8, 6, 5), rank=3, draw="standard_normal"), {"nonnegative": False}),
        (planted().astype(np.float32), {}),
    ],
    ids=["nonnegative", "signed", "tensor", "fourth order", "single precision"],
)
def test_the_planted_rank_is_found(X, options):
    measured = held_out_ranks(X, range(1, 6), random_state=0, **options)
    assert measured.chosen == 3
    assert measured.mean[0] > 2 * measured.mean[2]


def test_the_planted_rank_of_counts_is_found():
    rng = np.random.default_rng(0)
    rates = 30 * rng.gamma(0.4, size=(40, 3)) @ rng.dirichlet(0.3 * np.ones(30), size=3) + 0.1
    counts = rng.poisson(rates)
    measured = held_out_ranks(counts, range(1, 6), loss="kullback-leibler", random_state=0)
    assert measured.chosen == 3


def test_the_unit_of_the_data_does_not_matter():
    X = planted()
    first, second = (held_out_ranks(c * X, [2, 3], random_state=0).errors for c in (1.0, 1e3))
    np.testing.assert_allclose(first, second, rtol=1e-6)


def test_noise_is_worth_no_components():
    """On noise alone no rank predicts better than the mean."""
    X = np.random.default_rng(0).standard_normal((30, 25))
    measured = held_out_ranks(X, range(1, 5), nonnegative=False, random_state=0)
    assert measured.mean.min() > 0.95
    assert measured.chosen == 1


@pytest.mark.parametrize("shape", [(3, 4), (2, 30), (3, 2, 4)])
def test_no_slice_is_hidden_whole(shape):
    rng = np.random.default_rng(0)
    for _ in range(50):
        hidden = _draw_hidden(shape, 0.5, rng)
        for mode in range(len(shape)):
            assert not np.moveaxis(hidden, mode, 0).reshape(shape[mode], -1).all(axis=1).any()


def test_the_share_is_what_was_asked_for():
    assert _draw_hidden((30, 25), 0.2, np.random.default_rng(0)).mean() == pytest.approx(0.2)


def test_the_rule_of_one_standard_error_by_hand():
    errors = np.array([[5.0, 7.0], [2.0, 2.8], [1.0, 3.0], [1.9, 2.3]])
    measured = HeldOutRanks((1, 2, 3, 4), errors)
    np.testing.assert_allclose(measured.mean, [6.0, 2.4, 2.0, 2.1])
    np.testing.assert_allclose(measured.standard_error, [0.0, 0.6, 0.0, 0.8], atol=1e-12)
    assert measured.best == 3
    assert measured.chosen == 2
    assert "best 3, chosen 2" in repr(measured)


def test_draws_that_are_hard_for_all_ranks_do_not_hide_a_difference():
    errors = np.array([[0.51, 0.61, 0.91], [0.50, 0.60, 0.90]])
    assert HeldOutRanks((1, 2), errors).chosen == 2


def test_one_draw_has_no_standard_error():
    measured = HeldOutRanks((1, 2), np.array([[2.0], [1.0]]))
    assert np.isnan(measured.standard_error).all()
    assert measured.chosen == measured.best == 2


def test_same_seed_same_errors_and_the_data_are_left_alone():
    X = planted()
    X.setflags(write=False)
    first, second = (held_out_ranks(X, [2, 3], n_draws=2, random_state=5) for _ in range(2))
    assert np.array_equal(first.errors, second.errors)


def interrupt_after(progress_calls):
    """A progress that interrupts at some call of its display."""
    from multiconvex.progress import SilentProgress

    class Pressed(SilentProgress):
        described = 0

        def describe(self, text):
            self.described += 1
            if self.described == progress_calls:
                signal.raise_signal(signal.SIGINT)

    return Pressed()


def test_an_interrupt_keeps_complete_draws():
    X = planted()
    whole = held_out_ranks(X, [2, 3], random_state=0)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        kept = held_out_ranks(X, [2, 3], random_state=0, progress=interrupt_after(6))
        with pytest.raises(KeyboardInterrupt, match="has not completed a draw"):
            held_out_ranks(X, [2, 3], random_state=0, progress=interrupt_after(2))
    finally:
        signal.signal(signal.SIGINT, before)
    assert np.array_equal(kept.errors, whole.errors[:, :2])


@pytest.mark.parametrize(
    ("X", "ranks", "options", "message"),
    [
        (planted(), [], {}, "ranks is empty"),
        (planted(), [40], {}, "rank must be at most"),
        (planted(), [2], {"share": 0.7}, "share must be at most 0.5"),
        (planted(), [2], {"n_draws": 0}, "n_draws must be an integer"),
        (planted() - 5, [2], {}, "nonnegative"),
        (np.ones(4), [1], {}, "a matrix or a tensor"),
        (np.ones((9, 9)), [1], {}, "nothing to predict"),
        (np.ones((1, 4)), [1], {}, "too small"),
        (planted(), [2], {"loss": "kullback-leibler", "nonnegative": False}, "needs nonnegative"),
        (planted((5, 5, 5)), [2], {"loss": "kullback-leibler"}, "for a matrix"),
    ],
)
def test_impossible_requests_are_refused(X, ranks, options, message):
    with pytest.raises(ValueError, match=message):
        held_out_ranks(X, ranks, **options)
