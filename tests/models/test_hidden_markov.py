"""Chain recursions against enumeration of all paths, and the two fits against what they promise."""

from itertools import pairwise, product

import numpy as np
import pytest
from scipy.special import logsumexp

from multiconvex import hidden_markov_em, viterbi_training
from multiconvex.chain_kernels import forward_backward, forward_predict, sequence_bounds, viterbi
from multiconvex.models.latent.hidden_markov import (
    BlockMinimum,
    HiddenMarkovProblem,
    PathEntropy,
    PseudoCounts,
    SinglePath,
)

FITS = (hidden_markov_em, viterbi_training)


class GaussianMeans:
    """Scalar samples of variance one around one mean for each label, with a ridge on the means."""

    ridge = 0.1

    def __init__(self, y, n_factors):
        self.y, self.n_samples, self.n_factors = y, len(y), n_factors

    @property
    def shape(self):
        return (self.n_factors, 1)

    def values(self, thetas):
        return 0.5 * (self.y[:, None] - thetas[:, 0]) ** 2 + 0.5 * np.log(2.0 * np.pi)

    def fit(self, weights, thetas):
        return (weights.T @ self.y / (weights.sum(axis=0) + self.ridge))[:, None]

    def penalty(self, thetas):
        return 0.5 * self.ridge * float(np.vdot(thetas, thetas))


def draw_chain(rng, m, n_labels, spread=4.0, stay=0.9):
    """Return samples, labels and the truth of a sticky chain with well-separated means."""
    transition = np.full((n_labels, n_labels), (1.0 - stay) / (n_labels - 1))
    np.fill_diagonal(transition, stay)
    labels = [int(rng.integers(n_labels))]
    while len(labels) < m:
        labels.append(int(rng.choice(n_labels, p=transition[labels[-1]])))
    labels = np.array(labels)
    return spread * labels + rng.standard_normal(m), labels, transition


def random_chain(rng, m, n_labels):
    """Return losses, transitions and initial probabilities, some of them 0."""
    transition = rng.dirichlet(np.ones(n_labels), n_labels)
    if n_labels > 2:
        transition[0] = [0.0, 0.4, 0.6]
    return rng.normal(0, 3, (m, n_labels)), transition, rng.dirichlet(np.ones(n_labels))


def path_costs(losses, transition, initial, bounds):
    """Return all paths and their costs, by enumeration."""
    m, n_labels = losses.shape
    paths = np.array(list(product(range(n_labels), repeat=m)))
    costs = losses[np.arange(m), paths].sum(axis=1)
    with np.errstate(divide="ignore"):
        step, begin = -np.log(transition), -np.log(initial)
    for first, stop in pairwise(bounds):
        costs += begin[paths[:, first]]
        for t in range(first + 1, stop):
            costs += step[paths[:, t - 1], paths[:, t]]
    return paths, costs


CHAINS = [(1, 2, ()), (6, 2, ()), (5, 3, ()), (6, 3, (2, 3)), (4, 1, (1,)), (6, 2, (1, 2, 3, 4, 5))]


@pytest.mark.parametrize(("m", "n_labels", "breaks"), CHAINS)
class TestRecursions:
    def chain(self, m, n_labels, breaks):
        bounds = sequence_bounds(breaks, m)
        chain = random_chain(np.random.default_rng(m + n_labels), m, n_labels)
        return *chain, bounds, *path_costs(*chain, bounds)

    def test_viterbi_is_the_cheapest_path(self, m, n_labels, breaks):
        losses, transition, initial, bounds, paths, costs = self.chain(m, n_labels, breaks)
        with np.errstate(divide="ignore"):
            path = viterbi(losses, -np.log(transition), -np.log(initial), bounds)
        np.testing.assert_array_equal(path, paths[costs.argmin()])

    def test_posterior_sums_over_all_paths(self, m, n_labels, breaks):
        losses, transition, initial, bounds, paths, costs = self.chain(m, n_labels, breaks)
        likelihood, marginals, pairs = forward_backward(losses, transition, initial, bounds)
        assert likelihood == pytest.approx(logsumexp(-costs), rel=1e-12)
        weights = np.exp(-costs - likelihood)
        one_hot = np.eye(n_labels)[paths]
        np.testing.assert_allclose(marginals, np.einsum("p,ptk->tk", weights, one_hot), atol=1e-13)
        np.testing.assert_allclose(pairs.sum(axis=1), marginals, atol=1e-13)
        for t in range(m):
            before = one_hot[:, t] if t in bounds else one_hot[:, t - 1]
            expected = np.einsum("p,pi,pj->ij", weights, before, one_hot[:, t])
            np.testing.assert_allclose(pairs[t], expected, atol=1e-13)

    def test_predictions_use_the_past_only(self, m, n_labels, breaks):
        losses, transition, initial, bounds, _, _ = self.chain(m, n_labels, breaks)
        predicted, filtered, gains = forward_predict(losses, transition, initial, bounds)
        for t in range(m):
            first = bounds[np.searchsorted(bounds, t, side="right") - 1]
            for sure, row in ((0.0, predicted), (1.0, filtered)):
                seen = losses[first : t + 1].copy()
                seen[-1] *= sure
                part = np.array([0, len(seen)])
                paths, costs = path_costs(seen, transition, initial, part)
                weights = np.exp(-costs - logsumexp(-costs))
                expected = [weights[paths[:, -1] == k].sum() for k in range(n_labels)]
                np.testing.assert_allclose(row[t], expected, atol=1e-13)
        np.testing.assert_allclose(gains, logsumexp(-losses, axis=1, b=predicted), rtol=1e-12)

    def test_entropy_is_that_of_the_paths(self, m, n_labels, breaks):
        losses, transition, initial, bounds, _, costs = self.chain(m, n_labels, breaks)
        log_weights = -costs - logsumexp(-costs)
        weights = np.exp(log_weights)
        entropy = -np.sum(weights[weights > 0] * log_weights[weights > 0])
        pairs = forward_backward(losses, transition, initial, bounds)[2]
        assert PathEntropy(breaks).value(pairs) == pytest.approx(-entropy, abs=1e-12)


def test_long_and_unlikely_sequences_do_not_underflow():
    rng = np.random.default_rng(0)
    losses = rng.uniform(0.0, 2000.0, (5000, 3))
    transition = np.full((3, 3), 1.0 / 3.0)
    likelihood, marginals, _ = forward_backward(
        losses, transition, np.full(3, 1.0 / 3.0), sequence_bounds((), 5000)
    )
    independent = logsumexp(-losses - np.log(3.0), axis=1).sum()
    assert likelihood == pytest.approx(independent, rel=1e-12)
    np.testing.assert_allclose(marginals.sum(axis=1), 1.0, rtol=1e-12)


def test_labels_that_cannot_be_reached_do_not_hide_the_others():
    losses = np.array([[0.0, 0.0], [1.0, -5000.0]])
    bounds = sequence_bounds((), 2)
    likelihood, marginals, _ = forward_backward(losses, np.eye(2), np.array([1.0, 0.0]), bounds)
    assert likelihood == -1.0
    np.testing.assert_array_equal(marginals, [[1.0, 0.0], [1.0, 0.0]])


def test_ties_go_to_the_lowest_label():
    costs = np.zeros((4, 3))
    bounds = sequence_bounds((2,), 4)
    np.testing.assert_array_equal(viterbi(costs, np.zeros((3, 3)), np.zeros(3), bounds), 0)


def start(n_labels, means=None):
    means = np.arange(n_labels, dtype=float) if means is None else means
    transition = np.full((n_labels, n_labels), 1.0 / n_labels)
    return means.reshape(-1, 1), transition, np.full(n_labels, 1.0 / n_labels)


def fitted_problem(paths, count, rng, m=12, n_labels=3):
    problem = HiddenMarkovProblem(
        GaussianMeans(rng.standard_normal(m), n_labels), paths, PseudoCounts(count)
    )
    losses, transition, initial = random_chain(rng, m, n_labels)
    transition = rng.dirichlet(np.ones(n_labels), n_labels)
    pairs = problem.blocks[3].penalty.minimize(losses, transition, initial)
    return problem, (rng.standard_normal((n_labels, 1)), transition, initial, pairs)


@pytest.mark.parametrize("paths", [PathEntropy((4, 9)), SinglePath((4, 9))])
class TestProblem:
    def test_convex_in_each_block(self, paths):
        rng = np.random.default_rng(1)
        for _ in range(20):
            problem, a = fitted_problem(paths, 0.5, rng)
            _, b = fitted_problem(paths, 0.5, rng)
            s = rng.random()
            for k in range(4):
                ends = [(*a[:k], block, *a[k + 1 :]) for block in (a[k], b[k])]
                middle = (*a[:k], (1 - s) * a[k] + s * b[k], *a[k + 1 :])
                chord = (1 - s) * problem.objective(ends[0]) + s * problem.objective(ends[1])
                assert np.isfinite(chord)
                assert problem.objective(middle) <= chord + 1e-9

    def test_each_step_is_below_every_other_point(self, paths):
        rng = np.random.default_rng(2)
        problem, x = fitted_problem(paths, 0.5, rng)
        for k in range(4):
            block, _ = BlockMinimum()(problem, x, k, None)
            best = problem.objective((*x[:k], block, *x[k + 1 :]))
            for _ in range(50):
                _, other = fitted_problem(paths, 0.5, rng)
                s = 10.0 ** rng.uniform(-6, 0)
                moved = (1 - s) * block + s * other[k]
                assert problem.objective((*x[:k], moved, *x[k + 1 :])) >= best - 1e-9

    def test_pairs_of_no_distribution_are_refused(self, paths):
        _, x = fitted_problem(paths, 0.5, np.random.default_rng(3))
        penalty, pairs = paths, x[3]
        assert np.isfinite(penalty.value(pairs))
        assert penalty.value(pairs[::-1]) == np.inf
        assert penalty.value(0.9 * pairs) == np.inf
        assert penalty.value(2.0 * pairs - pairs.mean(axis=0)) == np.inf
        broken = np.zeros((12, 2, 2))
        broken[:, 0, 0] = 1.0
        assert penalty.value(broken) == 0.0
        crossed = broken.copy()
        crossed[4:9] = [[0.0, 0.5], [0.5, 0.0]]
        assert penalty.value(crossed) == np.inf
        broken[6] = [[0.0, 1.0], [0.0, 0.0]]
        assert penalty.value(broken) == np.inf

    def test_residual_vanishes_at_a_fixed_point_only(self, paths):
        problem, x = fitted_problem(paths, 0.5, np.random.default_rng(4))
        assert problem.residual(x) > 1e-3
        for _ in range(300):
            for k in range(4):
                x = (*x[:k], problem.minimize_block(x, k), *x[k + 1 :])
        assert problem.residual(x) < 1e-9


class TestExpectationMaximisation:
    @pytest.mark.parametrize("breaks", [(), (50, 120)])
    @pytest.mark.parametrize("count", [0.0, 0.7])
    def test_objective_is_the_negative_log_likelihood_after_every_sweep(self, breaks, count):
        y, _, _ = draw_chain(np.random.default_rng(5), 200, 3)
        emission, bounds = GaussianMeans(y, 3), sequence_bounds(breaks, 200)
        seen = []

        def check(sweep):
            theta, transition, initial = (
                sweep.blocks[name] for name in ("parameters", "transition", "initial")
            )
            gains = forward_predict(emission.values(theta), transition, initial, bounds)[2]
            expected = emission.penalty(theta) - gains.sum()
            if count:
                expected -= count * (np.log(transition).sum() + np.log(initial).sum())
            seen.append((sweep.objective, expected))

        result = hidden_markov_em(
            emission, *start(3), breaks=breaks, pseudo_count=count, callback=check
        )
        assert len(seen) == result.n_iter > 3
        np.testing.assert_allclose(*np.transpose(seen), rtol=1e-12)

    def test_stationary_point_of_the_likelihood(self):
        """Finite differences of the likelihood itself, in the means and along the transitions."""
        y, _, _ = draw_chain(np.random.default_rng(6), 150, 2, spread=2.0)
        emission, bounds = GaussianMeans(y, 2), sequence_bounds((75,), 150)
        blocks = hidden_markov_em(emission, *start(2), breaks=(75,), tol=1e-15).blocks

        def cost(theta, transition, initial):
            gains = forward_predict(emission.values(theta), transition, initial, bounds)[2]
            return emission.penalty(theta) - gains.sum()

        x = [blocks[name] for name in ("parameters", "transition", "initial")]
        moves = [(0, np.array([[1.0], [0.0]])), (0, np.array([[0.0], [1.0]]))]
        moves += [
            (1, np.array([[1.0, -1.0], [0.0, 0.0]])),
            (1, np.array([[0.0, 0.0], [1.0, -1.0]])),
        ]
        for k, move in moves:
            ahead, behind = ([*x[:k], x[k] + h * move, *x[k + 1 :]] for h in (1e-5, -1e-5))
            assert abs(cost(*ahead) - cost(*behind)) / 2e-5 < 1e-3

    def test_recovers_a_planted_chain(self):
        y, labels, transition = draw_chain(np.random.default_rng(7), 3000, 3)
        blocks = hidden_markov_em(GaussianMeans(y, 3), *start(3), breaks=(1000, 2000)).blocks
        found = blocks["pairs"].sum(axis=1).argmax(axis=1)
        assert np.mean(found == labels) > 0.96
        np.testing.assert_allclose(blocks["transition"], transition, atol=0.03)
        np.testing.assert_allclose(blocks["parameters"][:, 0], [0.0, 4.0, 8.0], atol=0.15)

    def test_a_forbidden_transition_stays_forbidden(self):
        y, _, _ = draw_chain(np.random.default_rng(8), 100, 2)
        means, _, initial = start(2)
        transition = np.array([[0.9, 0.1], [0.0, 1.0]])
        result = hidden_markov_em(GaussianMeans(y, 2), means, transition, initial)
        assert result.blocks["transition"][1, 0] == 0.0
        assert np.isfinite(result.objective)


class TestViterbiTraining:
    def test_equals_enumeration_of_all_labellings_from_many_starts(self):
        """Given the labels the other blocks have closed forms: the least of all is the optimum."""
        rng = np.random.default_rng(9)
        y, _, _ = draw_chain(rng, 8, 2)
        problem = HiddenMarkovProblem(GaussianMeans(y, 2), SinglePath(), PseudoCounts(1.0))
        values = []
        for labels in product(range(2), repeat=8):
            labels = np.array(labels)
            pairs = np.zeros((8, 2, 2))
            pairs[np.arange(8), np.r_[labels[0], labels[:-1]], labels] = 1.0
            x = (np.zeros((2, 1)), None, None, pairs)
            for k in range(3):
                x = (*x[:k], problem.minimize_block(x, k), *x[k + 1 :])
            values.append(problem.objective(x))
        fits = [
            viterbi_training(GaussianMeans(y, 2), *start(2, rng.normal(2, 3, 2))).objective
            for _ in range(20)
        ]
        assert min(fits) == pytest.approx(min(values), rel=1e-10)

    def test_objective_is_the_cost_of_the_path_and_the_prior(self):
        y, _, _ = draw_chain(np.random.default_rng(10), 60, 2)
        emission = GaussianMeans(y, 2)
        result = viterbi_training(emission, *start(2), breaks=(30,), pseudo_count=0.5)
        theta, transition, initial, pairs = result.blocks.values()
        path = pairs.sum(axis=1).argmax(axis=1)
        cost = emission.values(theta)[np.arange(60), path].sum() + emission.penalty(theta)
        cost -= np.log(initial[path[[0, 30]]]).sum()
        cost -= sum(np.log(transition[path[t - 1], path[t]]) for t in range(1, 60) if t != 30)
        cost -= 0.5 * (np.log(transition).sum() + np.log(initial).sum())
        assert result.objective == pytest.approx(cost, rel=1e-12)

    def test_recovers_planted_labels(self):
        y, labels, _ = draw_chain(np.random.default_rng(11), 1000, 3)
        blocks = viterbi_training(GaussianMeans(y, 3), *start(3)).blocks
        assert np.mean(blocks["pairs"].sum(axis=1).argmax(axis=1) == labels) > 0.95

    def test_probabilities_of_zero_are_refused(self):
        emission = GaussianMeans(np.zeros(4), 2)
        with pytest.raises(ValueError, match="initial must be positive"):
            viterbi_training(emission, *start(2)[:2], np.array([1.0, 0.0]))
        with pytest.raises(ValueError, match="pseudo_count must be a finite positive number"):
            viterbi_training(emission, *start(2), pseudo_count=0.0)


@pytest.mark.parametrize("fit", FITS)
class TestBothFits:
    def test_never_increases_and_repeats(self, fit):
        y, _, _ = draw_chain(np.random.default_rng(12), 300, 3, spread=1.5)
        results = [fit(GaussianMeans(y, 3), *start(3), breaks=(100,)) for _ in range(2)]
        objective = results[0].trace.objective
        assert len(objective) > 2
        assert np.all(np.diff(objective) <= 1e-10 * np.abs(objective[1:]))
        assert results[0].status == "converged"
        for a, b in zip(results[0].blocks.values(), results[1].blocks.values()):
            np.testing.assert_array_equal(a, b)

    def test_starts_are_not_modified_and_max_iter_0_returns_them(self, fit):
        y, _, _ = draw_chain(np.random.default_rng(13), 30, 2)
        begin = start(2)
        kept = [array.copy() for array in begin]
        result = fit(GaussianMeans(y, 2), *begin, max_iter=0)
        for array, before, block in zip(begin, kept, result.blocks.values()):
            np.testing.assert_array_equal(array, before)
            np.testing.assert_array_equal(block, before)
        fit(GaussianMeans(y, 2), *begin)
        for array, before in zip(begin, kept):
            np.testing.assert_array_equal(array, before)

    def test_relabelled_starts_give_relabelled_fits(self, fit):
        y, _, _ = draw_chain(np.random.default_rng(14), 200, 3)
        order = np.array([2, 0, 1])
        one = fit(GaussianMeans(y, 3), *start(3))
        two = fit(GaussianMeans(y, 3), *start(3, order.astype(float)))
        assert two.objective == pytest.approx(one.objective, rel=1e-10)
        np.testing.assert_allclose(two.blocks["parameters"], one.blocks["parameters"][order])
        np.testing.assert_allclose(
            two.blocks["transition"], one.blocks["transition"][np.ix_(order, order)], atol=1e-12
        )

    def test_a_small_prior_reaches_every_transition(self, fit):
        y, _, _ = draw_chain(np.random.default_rng(15), 40, 2, spread=50.0, stay=1.0)
        blocks = fit(GaussianMeans(y, 2), *start(2), pseudo_count=0.25).blocks
        assert blocks["transition"].min() > 0.0

    def test_wrong_starts_are_refused(self, fit):
        emission = GaussianMeans(np.zeros(4), 2)
        means, transition, initial = start(2)
        with pytest.raises(ValueError, match="transition must hold nonnegative probabilities"):
            fit(emission, means, 2.0 * transition, initial)
        with pytest.raises(ValueError, match=r"init of initial must have shape \(2,\)"):
            fit(emission, means, transition, np.full(3, 1.0 / 3.0))
        with pytest.raises(ValueError, match="init of parameters must have shape"):
            fit(emission, means.T, transition, initial)
        with pytest.raises(ValueError, match="breaks must be increasing row numbers"):
            fit(emission, means, transition, initial, breaks=(9,))
        with pytest.raises(ValueError, match="the losses of the emission has 2 NaN"):
            fit(GaussianMeans(np.array([0.0, np.inf]), 2), means, transition, initial)


def test_the_fits_agree_on_labels_where_the_data_are_clear():
    y, _, _ = draw_chain(np.random.default_rng(16), 500, 3, spread=8.0)
    soft, hard = (fit(GaussianMeans(y, 3), *start(3)).blocks["pairs"] for fit in FITS)
    np.testing.assert_array_equal(soft.sum(axis=1).argmax(axis=1), hard.sum(axis=1).argmax(axis=1))
