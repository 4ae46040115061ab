"""How many factors: planted numbers, values by closed forms and brute force, and refusals."""

from itertools import product

import cvxpy as cp
import numpy as np
import pytest
from contracts.instances import generators
from contracts.latent import simulated
from scipy.special import expit, logsumexp
from scipy.stats import laplace, norm

from multiconvex import (
    ConstrainedKMeans,
    ForgettingQLearning,
    IndependentLabels,
    InputOutputHMM,
    KLSmoothness,
    LatentFactorModel,
    MixtureOfLinearRegressions,
    TotalVariation,
)
from multiconvex.models.latent.selection import Selection, _folds, breaks_within, select_factors

RNG = np.random.default_rng(0)
BLOBS = np.repeat([[0.0, 0.0], [9.0, 0.0], [0.0, 9.0]], 15, axis=0) + RNG.normal(size=(45, 2))
LINES = RNG.uniform(-3.0, 3.0, size=(90, 1))
HEIGHTS = LINES[:, 0] * np.repeat([-4.0, 0.0, 4.0], 30) + 0.2 * RNG.normal(size=90)
CUES = RNG.normal(size=(240, 2))
RULES = np.array([[6.0, 0.0], [-6.0, 0.0]])[np.arange(240) // 40 % 2]
ANSWERS = (RNG.random(240) < expit(np.sum(CUES * RULES, axis=1))).astype(int)
FEW = CUES[:15]
TURNS = ((FEW[:, 0] > 0) ^ (np.arange(15) // 4 % 2 == 1)).astype(int)


def bandit(trials=300, run=50):
    """Return choices of an agent that stays with the last rewarded arm, then avoids it, in turn."""
    rng = np.random.default_rng(1)
    choice, reward = rng.integers(2, size=trials), rng.integers(2, size=trials)
    for t in range(1, trials):
        if reward[t - 1] and rng.random() < 0.95:
            choice[t] = choice[t - 1] ^ (t // run % 2)
    return choice, reward


def blob_model(n_factors=2, **options):
    """Return k-means with shared variance as a formula."""
    centres = [cp.Variable((1, 2)) for _ in range(n_factors)]
    losses = [cp.sum(cp.square(centre - BLOBS), axis=1) for centre in centres]
    return LatentFactorModel(centres, losses, **options)


def hidden_markov(**options):
    """Return a model whose labels change on ``TURNS``, so that breaks matter."""
    penalty = TotalVariation(1.0)
    return InputOutputHMM(
        2, fit_intercept=False, ridge=0.05, factor_penalty=penalty, random_state=0, **options
    )


def path_log_likelihood(model, X, y, breaks):
    """Return the log-likelihood of choices, summed over all paths of labels."""
    chances = expit(np.where(y == 1, 1.0, -1.0)[:, None] * (X @ model.coef_.T))
    totals = []
    for path in product(range(len(model.initial_)), repeat=len(y)):
        total = 1.0
        for t, k in enumerate(path):
            first = t == 0 or t in breaks
            total *= model.initial_[k] if first else model.transition_[path[t - 1], k]
            total *= chances[t, k]
        totals.append(total)
    return np.log(sum(totals))


class TestPlantedNumbers:
    @pytest.mark.parametrize("criterion", ["heldout", "bic"])
    def test_clusters(self, criterion):
        model = ConstrainedKMeans(n_starts=6, random_state=0)
        assert model.select((1, 2, 3, 4), BLOBS, criterion=criterion).best == 3

    @pytest.mark.parametrize("criterion", ["heldout", "bic"])
    def test_lines(self, criterion):
        model = MixtureOfLinearRegressions(n_starts=8, random_state=0)
        assert model.select((1, 2, 3, 4), LINES, HEIGHTS, criterion=criterion).best == 3

    @pytest.mark.parametrize("criterion", ["heldout", "bic"])
    def test_hidden_states(self, criterion):
        model = InputOutputHMM(n_starts=3, fit_intercept=False, random_state=0)
        assert model.select((1, 2, 3), CUES, ANSWERS, criterion=criterion, folds=4).best == 2

    @pytest.mark.parametrize("criterion", ["heldout", "bic"])
    def test_strategies(self, criterion):
        model = ForgettingQLearning(n_lags=2, n_starts=3, random_state=0)
        assert model.select((1, 2, 3), *bandit(), criterion=criterion, folds=4).best == 2

    def test_best_is_highest_held_out_and_lowest_criterion(self):
        values = np.array([1.0, 3.0, 3.0, -2.0, -2.0])
        assert Selection("heldout", (1, 2, 3, 4, 5), values).best == 2
        assert Selection("bic", (1, 2, 3, 4, 5), values).best == 4
        assert Selection("bic", (5, 4, 3, 2, 1), values).best == 1

    def test_a_constant_in_the_losses_changes_no_choice(self):
        chosen = []
        for constant in (-5.0, 0.0, 5.0):
            centres = [cp.Variable() for _ in range(3)]
            losses = [cp.square(BLOBS[:, 0] - centre) + constant for centre in centres]
            model = LatentFactorModel(centres, losses)
            found = model.select((1, 2, 3), criterion="bic", random_state=0)
            assert np.isfinite(found.values).all()
            chosen.append(np.diff(found.values))
        np.testing.assert_allclose(chosen[0], chosen[2], rtol=1e-9)

    def test_breaks_are_given_by_name_or_in_place(self):
        model, few = hidden_markov(), {"criterion": "bic"}
        named = model.select((1, 2), FEW, TURNS, breaks=(4, 8), **few)
        placed = model.select((1, 2), FEW, TURNS, (4, 8), **few)
        np.testing.assert_array_equal(named.values, placed.values)
        free = hidden_markov().set_params(factor_penalty=IndependentLabels())
        alone = hidden_markov().set_params(factor_penalty=None)
        values = [m.select((1, 2), FEW, TURNS, **few).values for m in (free, alone)]
        np.testing.assert_array_equal(*values)


class TestSequences:
    def test_breaks_within_by_definition(self):
        for rng in generators(50):
            m = int(rng.integers(1, 13))
            rows = np.flatnonzero(rng.random(m) < rng.random())
            breaks = tuple(int(row) for row in range(1, m) if rng.random() < 0.3)
            begins = [row in breaks or row - 1 not in rows for row in rows]
            expected = tuple(place for place in range(1, len(rows)) if begins[place])
            assert breaks_within(breaks, rows) == expected

    def test_breaks_that_are_left_out_still_part(self):
        assert breaks_within((3,), np.array([1, 2, 4, 5])) == (2,)
        assert breaks_within((3,), np.array([1, 2, 3, 4])) == (2,)
        assert breaks_within((3,), np.array([3, 4, 5])) == ()

    @pytest.mark.parametrize("penalty", [None, KLSmoothness(1.0)])
    def test_folds_partition_the_samples(self, penalty):
        for rng in generators(20):
            m = int(rng.integers(2, 30))
            parts = _folds(m, int(rng.integers(2, m + 1)), penalty, rng)
            np.testing.assert_array_equal(np.sort(np.concatenate(parts)), np.arange(m))
            assert np.ptp([len(part) for part in parts]) <= 1
            assert all(np.all(np.diff(part) > 0) for part in parts)

    def test_connected_samples_are_left_out_in_runs(self):
        for penalty in (KLSmoothness(1.0), TotalVariation(1.0, breaks=(4,))):
            parts = _folds(23, 5, penalty, np.random.default_rng(0))
            assert all(np.all(np.diff(part) == 1) for part in parts)

    def test_others_are_left_out_at_random(self):
        draws = [_folds(60, 3, None, rng) for rng in generators(2)]
        assert all(np.any(np.diff(part) > 1) for parts in draws for part in parts)
        assert not np.array_equal(draws[0][0], draws[1][0])


class TestCriterion:
    def test_clusters_by_the_normal_density(self):
        X = np.array([[0.0, 1.0], [0.4, 0.6], [0.2, 1.4], [7.0, 5.0], [7.6, 5.2]])
        labels, m = np.array([0, 0, 0, 1, 1]), len(X)
        centres = np.array([X[labels == k].mean(axis=0) for k in range(2)])
        scale = np.sqrt(np.mean((X - centres[labels]) ** 2))
        densities = norm.logpdf(X[:, None], centres, scale).sum(axis=2)
        total = logsumexp(densities, axis=1, b=[0.6, 0.4]).sum()
        n_free = 4 + 1 + 1
        found = ConstrainedKMeans(random_state=0).select((2,), X, criterion="bic")
        np.testing.assert_allclose(found.values, -2.0 * total + n_free * np.log(m))
        assert (found.criterion, found.counts, found.best) == ("bic", (2,), 2)

    @pytest.mark.parametrize(
        ("loss", "density", "centre"), [("square", norm, np.mean), ("absolute", laplace, np.median)]
    )
    def test_one_factor_by_the_density_of_residuals(self, loss, density, centre):
        y = np.array([0.0, 0.3, 1.0, 1.1, 2.5])
        model = MixtureOfLinearRegressions(loss=loss, fit_intercept=False)
        ones = np.ones((5, 1))

        def total(rows, others):
            residuals = y[rows] - centre(y[rows])
            power = 2.0 if loss == "square" else 1.0
            scale = np.mean(np.abs(residuals) ** power) ** (1.0 / power)
            return density.logpdf(y[others], centre(y[rows]), scale).sum()

        bic = model.select((1,), ones, y, criterion="bic").values
        np.testing.assert_allclose(bic, -2.0 * total(np.arange(5), np.arange(5)) + 2 * np.log(5))
        if loss == "square":
            left_out = model.select((1,), ones, y, folds=5).values
            each = [total(np.delete(np.arange(5), i), [i]) for i in range(5)]
            np.testing.assert_allclose(left_out, np.mean(each))

    @pytest.mark.parametrize("breaks", [(), (4, 7), (6, 9)])
    def test_hidden_states_by_all_paths(self, breaks):
        found = hidden_markov().select((1, 2), FEW, TURNS, breaks, criterion="bic").values
        for value, n_states in zip(found, (1, 2)):
            model = hidden_markov().set_params(n_states=n_states).fit(FEW, TURNS, breaks)
            total = path_log_likelihood(model, FEW, TURNS, breaks)
            n_free = 2 * n_states + n_states * (n_states - 1)
            assert value == pytest.approx(-2.0 * total + n_free * np.log(15), rel=1e-6)

    def test_left_out_trials_by_all_paths(self):
        """Rows 6 and 9 begin sequences; five of the fifteen rows are left out at a time."""
        total = 0.0
        parts = (((0, 5), (1, 4), ()), ((5, 10), (5,), (1, 4)), ((10, 15), (6, 9), ()))
        for (first, last), of_rest, of_part in parts:
            rest = np.delete(np.arange(15), np.arange(first, last))
            model = hidden_markov().fit(FEW[rest], TURNS[rest], of_rest)
            part = slice(first, last)
            total += path_log_likelihood(model, FEW[part], TURNS[part], of_part)
        found = hidden_markov().select((2,), FEW, TURNS, (6, 9), folds=3).values
        np.testing.assert_allclose(found, total / 15, rtol=1e-6)

    @pytest.mark.parametrize("criterion", ["heldout", "bic"])
    def test_formulas_are_worth_what_estimators_are(self, criterion):
        options = {"criterion": criterion, "folds": 3}
        written = blob_model().select((1, 3), n_starts=5, random_state=2, **options)
        ready = ConstrainedKMeans(n_starts=5, random_state=2).select((1, 3), BLOBS, **options)
        np.testing.assert_allclose(written.values, ready.values, rtol=1e-9)

    def test_formulas_with_connected_labels_are_too(self):
        weights = [cp.Variable(2)]
        choices = cp.logistic(CUES @ weights[0]) - cp.multiply(ANSWERS, CUES @ weights[0])
        model = LatentFactorModel(
            weights,
            [choices],
            parameter_penalty=0.025 * cp.sum_squares(weights[0]),
            factor_penalty=TotalVariation(1.0),
        )
        written = model.select((1, 2), folds=3, random_state=0).values
        ready = hidden_markov().select((1, 2), CUES, ANSWERS, folds=3).values
        np.testing.assert_allclose(written, ready, rtol=1e-6)

    @pytest.mark.parametrize("criterion", ["heldout", "bic"])
    def test_same_seed_same_values(self, criterion):
        options = {"criterion": criterion, "folds": 3}
        cases = (
            (ConstrainedKMeans(n_starts=1), (BLOBS,)),
            (InputOutputHMM(n_starts=1, max_iter=20), (CUES[:40], ANSWERS[:40])),
        )
        for model, data in cases:
            one, same, other = (
                model.set_params(random_state=seed).select((8,), *data, **options)
                for seed in (3, 3, 4)
            )
            np.testing.assert_array_equal(one.values, same.values)
            assert not np.array_equal(one.values, other.values)


class TestRefusals:
    def refuse(self, sentence, counts=(1, 2), **options):
        with pytest.raises(ValueError, match=sentence):
            select_factors(lambda count: self.emission(count), None, counts, **options)
        with pytest.raises(ValueError, match=sentence):
            ConstrainedKMeans(2).select(counts, BLOBS[:30], **options)

    @staticmethod
    def emission(count):
        return simulated("centres", np.random.default_rng(0), m=30, n_factors=count)

    def test_numbers_of_factors(self):
        self.refuse("K_range is empty: give at least one number of factors", counts=())
        for wrong in (0, 2.5):
            sentence = "each of K_range must be an integer of at least 1, got"
            self.refuse(sentence, counts=(1, wrong))
        self.refuse("31 factors need at least as many samples, got 30", (31,), criterion="bic")

    def test_folds(self):
        self.refuse("folds must be at most the number of samples, 30, got 31", folds=31)
        for wrong in (1, 0, 2.0):
            self.refuse(f"folds must be an integer of at least 2, got {wrong}", folds=wrong)

    def test_criterion_takes_folds_where_they_count(self):
        found = ConstrainedKMeans(2, random_state=0).select(
            (1, 2), BLOBS[:4], criterion="bic", folds=5
        )
        assert len(found.values) == 2

    def test_what_is_no_list(self):
        with pytest.raises(TypeError, match="K_range must be numbers of factors, such as range"):
            ConstrainedKMeans(2).select(3, BLOBS)

    def test_breaks_beyond_the_samples(self):
        with pytest.raises(ValueError, match="breaks must be increasing row numbers from 1 to 14"):
            hidden_markov().select((1, 2), FEW, TURNS, breaks=(100,))

    def test_unknown_inference(self):
        with pytest.raises(ValueError, match="inference must be one of 'labels', 'em', 'viterbi'"):
            InputOutputHMM(2, inference="foo").select((1, 2), CUES, ANSWERS)

    def test_criterion(self):
        self.refuse("criterion must be one of 'heldout', 'bic'; got 'aic'", criterion="aic")

    def test_labels_as_formulas(self):
        sentence = "select needs labels with KLSmoothness, TotalVariation or no penalty"
        for options in (
            {"factor_constraints": lambda z: [cp.sum(z, axis=0) >= 1.0]},
            {"factor_penalty": lambda z: cp.sum_squares(z[1:] - z[:-1])},
        ):
            with pytest.raises(TypeError, match=sentence):
                blob_model(**options).select((1, 2))

    def test_factors_that_share_a_term(self):
        centres = [cp.Variable() for _ in range(2)]
        losses = [cp.square(BLOBS[:, 0] - centre) for centre in centres]
        model = LatentFactorModel(
            centres, losses, parameter_penalty=cp.abs(centres[0] - centres[1])
        )
        with pytest.raises(
            ValueError, match="fit models of several sizes and compare their scores"
        ):
            model.select((1, 2))

    @pytest.mark.parametrize("inference", ["em", "viterbi"])
    def test_likelihood_fits(self, inference):
        sentence = f'got inference="{inference}": set inference="labels", or compare score'
        for model, data in (
            (InputOutputHMM(2, inference=inference), (CUES, ANSWERS)),
            (ForgettingQLearning(2, inference=inference), bandit()),
        ):
            with pytest.raises(ValueError, match=sentence):
                model.select((1, 2), *data)
