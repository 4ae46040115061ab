"""Ranks by hidden entries: the masked problem, no leaks, planted ranks, the rule of choice."""

import signal

import numpy as np
import pytest
import scipy.sparse as sp

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
    nmf,
)
from multiconvex.models.latent.hidden_markov import BlockMinimum
from multiconvex.models.nmf import default_update
from multiconvex.models.parafac2_problem import SliceData, split_rows
from multiconvex.own_data.filled_problem import FilledProblem, FilledSlices
from multiconvex.own_data.hidden_fits import predict_factors, predict_slices
from multiconvex.own_data.ranks import _draw_hidden

TWENTY = {"max_iter": 20, "stop": RelativeDecrease(0)}
FREE, POSITIVE = (NoPenalty(),) * 2, (NonNegative(),) * 2


def planted(shape=(30, 25), rank=3, noise=0.05, seed=0, draw="random"):
    rng = np.random.default_rng(seed)
    factors = [getattr(rng, draw)((n, rank)) for n in shape]
    letters = "abcd"[: len(shape)]
    X = np.einsum(",".join(f"{letter}q" for letter in letters) + f"->{letters}", *factors)
    return X + noise * X.std() * getattr(rng, draw)(X.shape)


def some_hidden(shape, seed=1):
    return _draw_hidden(np.ones(shape, bool), 0.2, np.random.default_rng(seed))


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


def test_a_fit_to_the_filled_array_stays_at_the_minimiser_of_the_visible_entries():
    X, hidden = planted((12, 9)), some_hidden((12, 9))
    options = {"max_iter": 20_000, "stop": RelativeDecrease(1e-15)}
    _, fit = solve(X, hidden, 2, POSITIVE, Frobenius(), **options)
    factors = fit.blocks["W"], fit.blocks["H"]
    model = factors[0] @ factors[1].T
    again = nmf(np.where(hidden, model, X), 2, init=factors, max_iter=50, tol=0)
    np.testing.assert_allclose(again.reconstruct(), model, atol=1e-4 * X.max())


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
        predict_factors(data, hidden, 3, POSITIVE, loss, np.random.default_rng(0), **TWENTY)
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
        hidden = _draw_hidden(np.ones(shape, bool), 0.5, rng)
        for mode in range(len(shape)):
            assert not np.moveaxis(hidden, mode, 0).reshape(shape[mode], -1).all(axis=1).any()


def test_the_share_is_what_was_asked_for():
    assert some_hidden((30, 25)).mean() == pytest.approx(0.2)


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


def test_an_interrupt_keeps_complete_draws_and_the_ranks_of_the_first():
    X = planted()
    whole = held_out_ranks(X, [2, 3], random_state=0)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        kept = held_out_ranks(X, [2, 3], random_state=0, progress=interrupt_after(6))
        first = held_out_ranks(X, [2, 3], random_state=0, progress=interrupt_after(2))
        with pytest.raises(KeyboardInterrupt, match="No fit is complete"):
            held_out_ranks(X, [2, 3], random_state=0, progress=interrupt_after(1))
    finally:
        signal.signal(signal.SIGINT, before)
    assert np.array_equal(kept.errors, whole.errors[:, :2])
    assert first.ranks == (2,)
    assert np.array_equal(first.errors, whole.errors[:1, :1])


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
        (list(planted((5, 5, 5))), [2], {"loss": "kullback-leibler"}, "for a matrix"),
        (list(planted((5, 5, 4))), [5], {}, "rank must be at most 4"),
        ([planted((5, 4)), planted((6, 4))], [2], {}, r"same number of rows, got \[5, 6\]"),
        (np.where(np.eye(30, 25) > 0, np.inf, planted()), [2], {}, "NaN or infinite"),
        (np.where(np.arange(30)[:, None] == 4, np.nan, planted()), [2], {}, "place 4 of axis 0"),
    ],
)
def test_impossible_requests_are_refused(X, ranks, options, message):
    with pytest.raises(ValueError, match=message):
        held_out_ranks(X, ranks, **options)


def gappy(X, seed=3, share=0.15):
    lost = np.random.default_rng(seed).random(X.shape) < share
    return np.where(lost, np.nan, X), lost


@pytest.mark.parametrize("shape", [(30, 25), (12, 10, 9)])
def test_the_planted_rank_is_found_among_gaps(shape):
    assert held_out_ranks(gappy(planted(shape))[0], range(1, 6), random_state=0).chosen == 3


def test_gaps_are_never_drawn_and_no_slice_loses_its_last_number():
    known = ~gappy(planted((6, 7)), share=0.6)[1]
    known[:, 0] = known[0] = True
    rng = np.random.default_rng(0)
    for _ in range(50):
        hidden = _draw_hidden(known, 0.5, rng)
        assert not (hidden & ~known).any()
        assert (known & ~hidden).any(axis=0).all() and (known & ~hidden).any(axis=1).all()


def test_errors_do_not_depend_on_what_was_lost():
    """Whatever stood in a gap, the fits and their errors are the same."""
    X, lost = gappy(planted())
    first = held_out_ranks(X, [2, 3], n_draws=1, random_state=0)
    rng = np.random.default_rng(0)
    drawn = _draw_hidden(~lost, 0.1, rng)
    hidden = drawn | lost
    found = predict_factors(
        np.where(lost, 1e6, X), hidden, 2, POSITIVE, Frobenius(), rng,
        stop=RelativeDecrease(1e-4), max_iter=200,
    )  # fmt: skip
    gap, useless = X[drawn] - found[drawn[hidden]], X[drawn] - X[~hidden].mean()
    assert first.errors[0, 0] == pytest.approx(gap @ gap / (useless @ useless))


def drifting(rank=3, noise=0.02, seed=0):
    """Slices with their own profiles, of equal cross products by construction."""
    rng = np.random.default_rng(seed)
    A, D = rng.random((14, rank)), np.eye(rank) + 0.3
    slices = [
        (A * (0.5 + rng.random(rank))) @ (np.linalg.qr(rng.standard_normal((n, rank)))[0] @ D).T
        for n in (16, 18, 20) * 3
    ]
    return [X + noise * X.std() * rng.standard_normal(X.shape) for X in slices]


def test_the_planted_rank_of_slices_is_found():
    measured = held_out_ranks(drifting(), range(1, 6), n_draws=2, random_state=0)
    assert measured.chosen == 3
    assert measured.mean[2] < 0.1 * measured.mean[1]


def test_the_filled_slices_have_the_loss_of_their_visible_entries():
    slices = drifting()
    data = SliceData(slices)
    hidden = some_hidden(data.array.shape)
    rng = np.random.default_rng(0)
    problem = FilledSlices(data, hidden, 2, (NonNegative(), NoPenalty(), NonNegative()))
    A, D, C = rng.random((14, 2)), rng.standard_normal((2, 2)), rng.random((9, 2))
    start = (None, A, D, C, np.zeros(int(hidden.sum())))
    P = problem.bases(start)
    guess = problem.minimize_block((P, *start[1:]), 4)
    model = np.hstack(
        [(A * row) @ (basis @ D).T for row, basis in zip(C, split_rows(P, data.bounds))]
    )
    np.testing.assert_allclose(guess, model[hidden])
    visible = (data.array - model)[~hidden]
    assert problem.loss((P, A, D, C, guess)) == pytest.approx(0.5 * visible @ visible)


def test_hidden_entries_of_slices_do_not_leak():
    data = SliceData(drifting())
    hidden = some_hidden(data.array.shape)
    predictions = [
        predict_slices(
            X, hidden, 2, data.bounds, (NoPenalty(),) * 3, np.random.default_rng(0), **TWENTY
        )
        for X in (data.array, np.where(hidden, 1e3, data.array))
    ]
    assert np.array_equal(*predictions)


def test_sparse_data_are_refused_in_a_sentence():
    with pytest.raises(TypeError, match="X is sparse"):
        held_out_ranks(sp.eye(5, format="csr"), [1])
