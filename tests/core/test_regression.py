"""The two fronts for nonnegative regression."""

import numpy as np
import pytest
import scipy.sparse as sp
from contracts.instances import convex_optimum, generators, read_only, scipy_nnls

from multiconvex import (
    HALS,
    ActiveSet,
    ConvergenceWarning,
    Frobenius,
    KullbackLeibler,
    MultiplicativeUpdate,
    NoLips,
    ScalarNewton,
    nnkl,
    nnls,
)

SQUARES = ("active_set", "hals", "multiplicative", "prox_gradient")
DIVERGENCES = ("multiplicative", "scalar_newton", "nolips", "prox_gradient")
SOLVERS = [(nnls, update) for update in SQUARES] + [(nnkl, update) for update in DIVERGENCES]


def data(seed=0, columns=5):
    rng = np.random.default_rng(seed)
    return rng.random((9, 4)), rng.random((9, columns))


def documented(solver, W, Y, x, l1=0.0, l2=0.0):
    loss = Frobenius() if solver is nnls else KullbackLeibler()
    return loss.value(Y, W @ x) + l1 * x.sum() + l2 / 2 * np.sum(x**2)


@pytest.mark.parametrize(("solver", "update"), SOLVERS)
class TestBothFronts:
    def test_objective_is_the_documented_one(self, solver, update):
        W, Y = data()
        weights = {"l1": 0.2, "l2": 0.0 if update == "nolips" else 0.3}
        fit = solver(W, Y, update=update, max_iter=7, tol=0, **weights)
        np.testing.assert_allclose(fit.objective, documented(solver, W, Y, fit.x, **weights))

    def test_reaches_the_convex_optimum(self, solver, update):
        W, Y = data(columns=2)
        tol = 1e-8 if update == "nolips" else 1e-12
        fit = solver(W, Y, update=update, tol=tol, max_iter=50000)
        loss = "frobenius" if solver is nnls else "kullback-leibler"
        np.testing.assert_allclose(
            fit.objective,
            convex_optimum(W, Y, loss=loss),
            rtol=2e-3 if update == "nolips" else 1e-5,
        )

    def test_columns_are_separate_problems_and_vectors_are_columns(self, solver, update):
        W, Y = data()
        # HALS and proximal gradients choose passes and steps for all columns together.
        shared = update in ("hals", "prox_gradient")
        options = {"update": update, "max_iter": 3000 if shared else 6, "tol": 0}
        together = solver(W, Y, **options)
        assert together.x.shape == (4, 5)
        for j in range(5):
            alone = solver(W, Y[:, j], **options)
            assert alone.x.shape == (4,)
            np.testing.assert_allclose(
                alone.x, together.x[:, j], rtol=1e-7, atol=1e-3 if shared else 1e-9
            )

    def test_sparse_right_hand_sides_give_the_same(self, solver, update):
        W, Y = data()
        Y = Y * (Y > 0.5)
        dense = solver(W, Y, update=update, max_iter=8, tol=0)
        for kind in (sp.csr_array, sp.csc_array, sp.coo_array):
            sparse = solver(W, kind(Y), update=update, max_iter=8, tol=0)
            np.testing.assert_allclose(sparse.x, dense.x, rtol=1e-7, atol=1e-10)
            np.testing.assert_allclose(sparse.objective, dense.objective, rtol=1e-9)

    def test_inputs_may_be_integer_fortran_or_read_only(self, solver, update):
        rng = np.random.default_rng(3)
        W, Y = rng.integers(1, 9, (7, 3)), rng.integers(0, 9, (7, 4))
        plain = solver(W.astype(float), Y.astype(float), update=update, max_iter=5, tol=0).x
        W, Y = read_only(np.asfortranarray(W), np.asfortranarray(Y))
        np.testing.assert_allclose(solver(W, Y, update=update, max_iter=5, tol=0).x, plain)

    def test_single_precision_is_kept(self, solver, update):
        W, Y = (array.astype(np.float32) for array in data())
        fit = solver(W, Y, update=update, max_iter=20, tol=0)
        double = solver(*data(), update=update, max_iter=20, tol=0)
        assert fit.x.dtype == np.float32
        np.testing.assert_allclose(fit.x, double.x, rtol=1e-2, atol=2e-3)

    def test_single_precision_meets_double(self, solver, update):
        W, Y = data()
        fit = solver(W.astype(np.float32), Y, update=update, max_iter=2, tol=0)
        assert fit.x.dtype == np.float64

    def test_scale_of_the_data(self, solver, update):
        W, Y = data()
        one = solver(W, Y, update=update, max_iter=9, tol=0).x
        for c in (1e-6, 1e6):
            wide = solver(W, c * Y, update=update, max_iter=9, tol=0).x
            np.testing.assert_allclose(wide, c * one, rtol=1e-6, atol=1e-9 * c)

    def test_start_is_used_and_never_modified(self, solver, update):
        W, Y = data()
        init = np.random.default_rng(1).random((4, 5)) + 0.1
        copy = init.copy()
        np.testing.assert_array_equal(solver(W, Y, update=update, init=init, max_iter=0).x, init)
        solver(W, Y, update=update, init=init, max_iter=3, tol=0)
        np.testing.assert_array_equal(init, copy)
        with pytest.raises(ValueError, match=r"init must have shape \(4, 5\), got \(4,\)"):
            solver(W, Y, update=update, init=np.ones(4))
        with pytest.raises(ValueError, match=r"init must have shape \(4,\), got \(4, 5\)"):
            solver(W, Y[:, 0], update=update, init=init)

    def test_zero_columns_and_zero_data(self, solver, update):
        W, Y = data()
        W[:, 1], Y[:, 2] = 0.0, 0.0
        fit = solver(W, Y, update=update, max_iter=2000, tol=1e-5)
        assert np.isfinite(fit.x).all()
        assert np.abs(W @ fit.x[:, 2]).max() < 1e-2

    def test_callback_sees_every_sweep_and_stops(self, solver, update):
        W, Y = data()
        seen = []

        def watch(sweep):
            x = sweep.blocks["x"].T
            np.testing.assert_allclose(sweep.objective, documented(solver, W, Y, x), rtol=1e-8)
            seen.append(sweep.iteration)
            return sweep.iteration == 4

        status = solver(W, Y, update=update, callback=watch, tol=0, max_iter=20).status
        assert seen == ([1] if status == "converged" else [1, 2, 3, 4])
        assert status == "stopped" or update == "active_set"

    @pytest.mark.parametrize(
        ("change", "sentence"),
        [
            ({"W": np.full((9, 4), np.nan)}, "W has 36 NaN"),
            ({"Y": np.full(9, np.inf)}, "Y has 9 NaN or infinite"),
            ({"W": np.ones(9)}, "W must have 2 dimensions"),
            ({"Y": np.ones((9, 1, 1))}, "Y must have 1 or 2 dimensions"),
            ({"Y": np.ones(8)}, r"W and Y must have as many rows: W has shape \(9, 4\) and Y"),
            ({"Y": np.ones((9, 0))}, "Y is empty"),
            ({"l1": -1.0}, "l1 must be a finite nonnegative number"),
            ({"l2": -1.0}, "l2 must be a finite nonnegative number"),
            ({"tol": -1.0}, "tol must be a finite nonnegative number"),
            ({"max_iter": -1}, "max_iter must be an integer of at least 0"),
            ({"update": "newton"}, "update must be one of 'active_set'|'multiplicative', "),
        ],
    )
    def test_refusals(self, solver, update, change, sentence):
        arguments = dict(zip("WY", data())) | {"update": update} | change
        with pytest.raises(ValueError, match=sentence):
            solver(**arguments)


@pytest.mark.parametrize("update", [HALS(), ActiveSet("single"), MultiplicativeUpdate()])
def test_updates_are_also_given_as_objects(update):
    W, Y = data()
    fit = nnls(W, Y, update=update, tol=1e-13, max_iter=100000)
    np.testing.assert_allclose(fit.x, scipy_nnls(W, Y), atol=2e-4)


@pytest.mark.parametrize(
    ("solver", "options", "sentence"),
    [
        (
            nnls,
            {"update": ScalarNewton()},
            "ScalarNewton needs a problem that offers kullback_leib",
        ),
        (nnls, {"update": NoLips()}, "NoLips needs a problem that offers burg_constants"),
        (nnkl, {"update": HALS()}, "HALS needs a problem that offers normal_equations"),
        (nnkl, {"update": "nolips", "l2": 1.0}, "NoLips honours NonNegative without l2"),
        (nnls, {"W": sp.eye_array(9).tocsr()}, "W is sparse"),
    ],
)
def test_requests_of_the_wrong_kind_are_refused(solver, options, sentence):
    with pytest.raises(TypeError, match=sentence):
        solver(**(dict(zip("WY", data())) | options))


@pytest.mark.parametrize("name", ["W", "Y"])
@pytest.mark.parametrize(("solver", "update"), [(nnkl, None), (nnls, "multiplicative")])
def test_negative_data_are_refused_where_they_make_no_sense(name, solver, update):
    arguments = dict(zip("WY", data()))
    arguments[name] = arguments[name] - 0.5
    with pytest.raises(ValueError, match=f"{name} must be nonnegative"):
        solver(**arguments, **({"update": update} if update else {}))


@pytest.mark.parametrize("init", [np.zeros(4), -np.ones(4), np.array([1.0, 0.0, 1.0, 1.0])])
def test_multiplicative_starts_are_positive(init):
    W, Y = data(columns=1)
    with pytest.raises(ValueError, match="init must be positive"):
        nnkl(W, Y[:, 0], init=init)


def test_rows_that_nothing_can_explain_are_named():
    with pytest.raises(ValueError, match="Row 1 of W is zero where Y is not"):
        nnkl(np.array([[1.0], [0.0]]), np.ones(2))
    assert nnkl(np.array([[1.0], [0.0]]), np.array([1.0, 0.0])).x == pytest.approx(1.0)


@pytest.mark.parametrize("present", [np.asarray, sp.csr_array])
def test_objective_where_columns_outnumber_the_data(present):
    rng = np.random.default_rng(4)
    W, Y = rng.random((4, 9)), rng.random((4, 2))
    fit = nnls(W, present(Y), update="hals", max_iter=3, tol=0)
    np.testing.assert_allclose(fit.objective, documented(nnls, W, Y, fit.x), rtol=1e-9)


def test_exact_solutions_take_one_sweep():
    for rng in generators(5):
        W, Y = rng.standard_normal((9, 4)), rng.standard_normal((9, 30))
        fit = nnls(W, Y)
        assert (fit.n_iter, fit.status) == (1, "converged")
        np.testing.assert_allclose(fit.x, scipy_nnls(W, Y), atol=1e-10)


def test_running_out_of_sweeps_is_said_once_at_the_line_of_the_caller():
    with pytest.warns(ConvergenceWarning, match="The fit used all 2 sweeps") as caught:
        nnkl(*data(), max_iter=2)
    assert len(caught) == 1
    assert caught[0].filename == __file__


def test_sparse_counts_are_never_filled_in(monkeypatch):
    W = np.random.default_rng(0).random((60, 3))
    Y = sp.random_array((60, 40), density=0.1, rng=np.random.default_rng(1), format="csr")

    def refuse(*args, **kwargs):
        raise AssertionError("the data were filled in")

    for kind in (sp.csr_array, sp.csc_array, sp.coo_array):
        monkeypatch.setattr(kind, "toarray", refuse)
        monkeypatch.setattr(kind, "todense", refuse)
    for update in DIVERGENCES:
        assert np.isfinite(nnkl(W, Y, update=update, max_iter=3, tol=0).objective)
