"""Models written as formulas: their fits, the ready-made models, and what is refused."""

import cvxpy as cp
import numpy as np
import pytest
from contracts.formulas import (
    COMPILED,
    ONES,
    POINTS,
    RECOGNISED,
    A,
    B,
    D,
    M,
    N,
    Y,
    force_compiled,
    ridge,
    write_model,
)
from contracts.latent import fit_problem

from multiconvex import (
    ConstrainedKMeans,
    InputOutputHMM,
    KLSmoothness,
    LatentFactorModel,
    MixtureOfLinearRegressions,
    TotalVariation,
    match_labels,
)
from multiconvex.models.latent.problem import LatentFactorProblem
from multiconvex.models.latent.programs import ProgramEmission


class TestFits:
    @pytest.mark.parametrize("name", ["square", "huber", "softmax", "centre row"])
    @pytest.mark.parametrize("penalty", [None, KLSmoothness(0.3), TotalVariation(0.3)])
    def test_fit_is_that_of_its_problem(self, name, penalty):
        _, shapes, write = RECOGNISED[name]
        options = {"parameter_penalty": ridge, "factor_penalty": penalty}
        options = options if penalty else {"parameter_penalty": ridge}
        model = write_model(shapes, write, **options)
        labels = np.arange(M) % 2
        fit = model.fit(n_starts=1, init=labels, tol=1e-9)
        values = [[v.value for v in factor] for factor in model._factors]
        for given, factor in zip(fit.parameters, values):
            for one, other in zip(given, factor):
                np.testing.assert_array_equal(one, other)
        losses = np.column_stack([loss.value for loss in model._losses])
        cost = np.vdot(losses, fit.z) + float(sum(term.value for term in model._penalty))
        cost += 0.0 if penalty is None else penalty.value(fit.z)
        assert fit.objective == pytest.approx(cost, rel=1e-9)
        np.testing.assert_array_equal(fit.labels, fit.z.argmax(axis=1))
        assert fit.status == "converged"

    def test_compiled_models_end_where_fast_ones_do(self):
        for name in ("square", "logistic", "centre column"):
            _, shapes, write = RECOGNISED[name]
            model = write_model(shapes, write, parameter_penalty=ridge)
            one = {"n_starts": 1, "init": np.arange(M) % 3 % 2}
            fast = fit_problem(LatentFactorProblem(model._emission(model._losses)), **one)[0]
            slow = fit_problem(LatentFactorProblem(force_compiled(model)), **one)[0]
            assert slow.objective == pytest.approx(fast.objective, rel=1e-6)
            np.testing.assert_array_equal(
                slow.blocks["z"].argmax(axis=1), fast.blocks["z"].argmax(axis=1)
            )

    @pytest.mark.parametrize("name", COMPILED)
    def test_compiled_fits_never_increase_the_objective(self, name):
        shapes, write = COMPILED[name]
        model = write_model(shapes, write, parameter_penalty=ridge)
        fit = model.fit(n_starts=2, random_state=0, tol=1e-7)
        assert isinstance(model._emission(model._losses), ProgramEmission)
        assert np.diff(fit.trace.objective).max() <= 1e-9 * (1.0 + abs(fit.trace.objective[0]))

    def test_factors_of_different_forms_and_sizes(self):
        v, a, b = cp.Variable(N), cp.Variable(), cp.Variable(2, nonneg=True)
        losses = [cp.square(D @ v - Y), cp.huber(a + D[:, :2] @ b - Y, 0.2)]
        fit = LatentFactorModel([v, [a, b]], losses).fit(n_starts=4, random_state=0)
        assert [np.shape(value) for value in fit.parameters[1]] == [(), (2,)]
        assert np.all(b.value >= 0.0)
        value = np.minimum(losses[0].value, losses[1].value).sum()
        assert fit.objective == pytest.approx(value, rel=1e-9)

    def test_a_divergence_written_by_hand_is_the_ready_made_one(self):
        """Solvers leave entries of -1e-12, where the divergence is infinite."""
        _, shapes, write = RECOGNISED["square"]
        ready = write_model(shapes, write, factor_penalty=KLSmoothness(0.3))
        written = write_model(
            shapes, write, factor_penalty=lambda z: 0.3 * cp.sum(cp.kl_div(z[:-1], z[1:]))
        )
        start = np.random.default_rng(5).dirichlet(np.ones(2), M)
        fits = [model.fit(n_starts=1, init=start, tol=1e-7) for model in (ready, written)]
        assert fits[0].objective == pytest.approx(fits[1].objective, rel=1e-5)

    def test_coupled_factors_are_compiled_together(self):
        joined = lambda f: cp.sum_squares(f[0][0] - f[1][0])  # noqa: E731
        ordered = lambda f: [f[0][0][0] + 1.0 <= f[1][0][0]]  # noqa: E731
        shapes, write = RECOGNISED["square"][1:]
        for options in ({"parameter_penalty": joined}, {"parameter_constraints": ordered}):
            model = write_model(shapes, write, **options)
            emission = model._emission(model._losses)
            assert isinstance(emission, ProgramEmission)
            assert [group for group, *_ in emission._groups] == [(0, 1)]
            weights = np.random.default_rng(2).dirichlet(np.ones(2), M)
            thetas = emission.fit(weights, np.zeros((2, N)))
            variables = [factor[0] for factor in model._factors]
            cost = sum(
                weights[:, k] @ cp.square(D @ v - Y) for k, v in enumerate(variables)
            ) + cp.sum(model._penalty)
            least = cp.Problem(cp.Minimize(cost), model._constraints).solve(solver="CLARABEL")
            found = np.vdot(weights, emission.values(thetas)) + emission.penalty(thetas)
            assert found == pytest.approx(least, rel=1e-6)

    def test_factors_that_share_nothing_are_compiled_apart(self):
        model = write_model(*COMPILED["hinge"], n_factors=3, parameter_penalty=ridge)
        groups = model._emission(model._losses)._groups
        assert sorted(group for group, *_ in groups) == [(0,), (1,), (2,)]

    def test_penalties_of_labels_as_formulas(self):
        _, shapes, write = RECOGNISED["centre column"]
        pairs = {
            TotalVariation(0.4): lambda z: 0.2 * cp.sum(cp.abs(z[1:] - z[:-1])),
            KLSmoothness(0.4): lambda z: 0.4 * cp.sum(cp.kl_div(z[:-1], z[1:])),
        }
        start = np.random.default_rng(3).dirichlet(np.ones(2), M)
        for penalty, formula in pairs.items():
            fits = [
                write_model(shapes, write, factor_penalty=given).fit(n_starts=1, init=start)
                for given in (penalty, formula)
            ]
            assert fits[1].objective == pytest.approx(fits[0].objective, rel=1e-5)

    def test_constraints_of_labels(self):
        model = write_model(
            *RECOGNISED["centre column"][1:], factor_constraints=lambda z: [cp.sum(z, 0) == M / 2]
        )
        fit = model.fit(n_starts=3, random_state=0)
        np.testing.assert_allclose(fit.z.sum(axis=0), M / 2, atol=1e-4)
        free = write_model(*RECOGNISED["centre column"][1:]).fit(n_starts=3, random_state=0)
        assert fit.objective >= free.objective - 1e-6

    def test_prediction_agrees_with_the_labels(self):
        for name in ("square", "centre"):
            for penalty in (None, TotalVariation(0.3)):
                _, shapes, write = RECOGNISED[name]
                model = write_model(shapes, write, factor_penalty=penalty)
                fit = model.fit(n_starts=3, random_state=0)
                again = [write(*factor) for factor in model._factors]
                np.testing.assert_array_equal(model.predict(again), fit.labels)
                if penalty is None:
                    assert model.score(again) == pytest.approx(-fit.objective / M)

    def test_new_samples_may_differ_in_number(self):
        centres = [cp.Variable() for _ in range(2)]
        data = np.array([0.0, 0.1, 4.0, 4.1])
        model = LatentFactorModel(centres, [cp.square(data - c) for c in centres])
        low = model.fit(random_state=0).labels[0]
        labels = model.predict([cp.square(np.array([-3.0, 9.0, 1.0]) - c) for c in centres])
        np.testing.assert_array_equal(labels == low, [True, False, True])


class TestReadyMade:
    """Estimators are the formulas, on the same start."""

    start = np.random.default_rng(4).integers(2, size=M)

    def compare(self, formula, estimator, *data):
        fit = formula.fit(n_starts=1, init=self.start)
        result = estimator.set_params(n_starts=1, init=self.start).fit(*data).result_
        assert result.objective == pytest.approx(fit.objective, rel=1e-8)
        match = match_labels(result.labels, fit.labels, 2)
        assert match.accuracy == 1.0

    def test_constrained_kmeans(self):
        formula = write_model(
            *RECOGNISED["centre"][1:], parameter_constraints=lambda f: [A @ v <= B for (v,) in f]
        )
        self.compare(formula, ConstrainedKMeans(2, constraint=(A, B)), POINTS)

    @pytest.mark.parametrize("loss", ["square", "absolute", "huber"])
    def test_mixture_of_linear_regressions(self, loss):
        atom = {"square": cp.square, "absolute": cp.abs, "huber": cp.huber}[loss]
        formula = write_model([(N,), ()], lambda v, c: atom(D @ v + c - Y))
        self.compare(formula, MixtureOfLinearRegressions(2, loss=loss), D, Y)

    @pytest.mark.parametrize("penalty", [KLSmoothness(0.5), TotalVariation(0.5)])
    def test_input_output_hmm(self, penalty):
        formula = write_model(
            *RECOGNISED["logistic"][1:],
            factor_penalty=penalty,
            parameter_penalty=lambda f: sum(0.05 * cp.norm(v) for (v,) in f),
        )
        model = InputOutputHMM(2, fit_intercept=False, ridge=0.0, norm=0.05, factor_penalty=penalty)
        self.compare(formula, model, D, (Y > 0).astype(int))


class TestRefusals:
    def refuse(self, sentence, kind=ValueError, **given):
        v = [cp.Variable(N), cp.Variable(N)]
        arguments = {"parameters": v, "losses": [cp.square(D @ u - Y) for u in v]} | given
        with pytest.raises(kind, match=sentence):
            LatentFactorModel(arguments.pop("parameters"), arguments.pop("losses"), **arguments)

    def test_losses(self):
        v, w = cp.Variable(N), cp.Variable(N)
        good, missing = cp.square(D @ v - Y), np.where(np.arange(M) == 3, np.nan, Y)
        unset = cp.Parameter(M)
        for loss, sentence in (
            (-cp.square(D @ w - Y), r"losses\[1\] is not convex .* disciplined convex programming"),
            (cp.sqrt(cp.square(D @ w)), r"losses\[1\] is not convex"),
            (cp.sum_squares(D @ w - Y), r"losses\[1\] must have shape \(m,\), .* got \(\)"),
            (cp.square(POINTS - ONES @ w[None]), r"must have shape \(m,\).*cp.sum\(..., axis=1\)"),
            (cp.square(w), r"losses\[0\] has shape \(24,\), losses\[1\] has shape \(3,\)"),
            (cp.square(D @ w - missing), r"losses\[1\] holds NaN or infinite data: remove"),
            (cp.square(D @ w - unset), r"losses\[1\] holds param\d+ without a value"),
            (cp.square(D @ cp.Variable(N) - Y), "but not among the parameters: list it with"),
        ):
            self.refuse(sentence, parameters=[v, w], losses=[good, loss])
        self.refuse("one entry for each factor, got 2 and 1", losses=[good])
        self.refuse("one entry for each factor, got 0 and 0", parameters=[], losses=[])
        self.refuse("must be a cvxpy expression, got ndarray", TypeError, losses=[Y, Y])

    def test_messages_stay_short(self):
        v = cp.Variable(N)
        with pytest.raises(ValueError, match="not convex") as error:
            LatentFactorModel([v], [-cp.square(D @ v - Y)])
        assert len(str(error.value)) < 400
        assert "\n" not in str(error.value)

    def test_parameters(self):
        v = cp.Variable(N)
        square = cp.square(D @ v - Y)
        for given in (3.0, "v", [v, 3.0]):
            self.refuse("a cvxpy.Variable or a list of them", TypeError, parameters=[v, given])
        self.refuse("must be continuous", parameters=[v, cp.Variable(N, integer=True)])
        self.refuse("is a parameter twice", parameters=[v, v], losses=[square, square])

    def test_penalties_and_constraints(self):
        v, w = cp.Variable((1, N)), cp.Variable(N)
        one = {"parameters": [v], "losses": [cp.square(D @ v[0] - Y)]}
        self.refuse("parameter_penalty is not convex", **one, parameter_penalty=-cp.norm(v))
        self.refuse("parameter_penalty must be a scalar", **one, parameter_penalty=cp.square(v))
        self.refuse("parameter_penalty must be a scalar", **one, parameter_penalty=3.0)
        self.refuse("not among the parameters", **one, parameter_penalty=cp.norm(w))
        self.refuse("not among the parameters", **one, parameter_constraints=[w <= 1])
        self.refuse("A constraint is not convex", **one, parameter_constraints=[cp.norm(v) >= 1])
        self.refuse("list of cvxpy constraints", TypeError, **one, parameter_constraints=[True])

    def test_the_broadcast_trap(self):
        """A @ v.T has shape (3, 1): against b of shape (3,) it means nine inequalities."""
        v = cp.Variable((1, N))
        loss = [cp.sum(cp.square(POINTS - ONES @ v), axis=1)]
        sentence = r"compares shapes \(3, 1\) and \(3,\), which are broadcast to \(3, 3\)"
        trap = [A @ v.T <= B]
        self.refuse(sentence, parameters=[v], losses=loss, parameter_constraints=trap)
        fits = [
            LatentFactorModel([v], loss, parameter_constraints=[good]).fit().objective
            for good in (A @ v.T - B[:, None] <= 0, A @ v[0] <= B)
        ]
        assert fits[0] == pytest.approx(fits[1])
        LatentFactorModel([v], loss, parameter_constraints=[v <= 1.0, cp.sum(v) <= 2.0])

    def test_constraints_that_nothing_satisfies(self):
        shapes, write = RECOGNISED["square"][1:]
        alone = write_model(
            shapes, write, parameter_constraints=lambda f: [f[0][0] >= 1, f[0][0] <= 0]
        )
        with pytest.raises(ValueError, match="No parameter satisfies the constraints together"):
            alone.fit()
        coupled = write_model(
            shapes,
            write,
            parameter_constraints=lambda f: [f[0][0] >= f[1][0] + 1, f[0][0] <= f[1][0]],
        )
        with pytest.raises(
            ValueError, match=r"factors .* has no solution: check that its constraints"
        ):
            coupled.fit()
        labels = write_model(shapes, write, factor_constraints=lambda z: [z[:, 0] >= 2])
        with pytest.raises(ValueError, match="step on the labels has no solution"):
            labels.fit()

    def test_labels(self):
        shapes, write = RECOGNISED["square"][1:]
        with pytest.raises(ValueError, match="must be convex in z by the rules of disciplined"):
            write_model(shapes, write, factor_penalty=lambda z: -cp.sum_squares(z)).fit()
        both = {"factor_penalty": KLSmoothness(1.0), "factor_constraints": lambda z: [z[0, 0] == 1]}
        with pytest.raises(TypeError, match="write the penalty with CVXPY instead of KLSmoothness"):
            write_model(shapes, write, **both).fit()

    def test_too_many_factors_and_no_fit_yet(self):
        model = write_model(*RECOGNISED["square"][1:], n_factors=M + 1)
        with pytest.raises(ValueError, match="25 factors need at least as many samples, got 24"):
            model.fit()
        with pytest.raises(RuntimeError, match="no parameters yet: call fit first"):
            model.predict(model._losses)
