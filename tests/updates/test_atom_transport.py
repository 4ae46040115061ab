"""The atoms that replace a factor are the closest to its nonnegative regression."""

import numpy as np
import pytest
from contracts.instances import generators, read_only, scipy_nnls
from contracts.update import Bare

from multiconvex import (
    ActiveSet,
    AtomTransport,
    FactorProblem,
    NonNegative,
    PickedAtoms,
    Simplex,
    alternate,
)


def instance(rng, noise=0.0, dtype=np.float64):
    """Return a problem, a point with true abundances, and the true atoms in a random order."""
    atoms = PickedAtoms((rng.random((8, 12)), rng.random((8, 9)), rng.random((8, 5))), (1, 2, 2))
    truth = np.array([[0, 4], [1, 2], [1, 8], [2, 0]])[rng.permutation(4)]
    H = rng.random((15, 4)) * (rng.random((15, 4)) > 0.3)
    X = atoms.atoms(truth) @ H.T
    X = (X + noise * rng.standard_normal(X.shape)).astype(dtype)
    problem = FactorProblem(X, 4, (atoms, NonNegative()))
    start = atoms.prox(rng.random((8, 4)), 0.0).astype(dtype)
    return problem, (start, H.astype(dtype)), truth


def step(problem, x):
    return AtomTransport()(problem, x, 0, None)[0]


def test_true_abundances_give_the_true_atoms_in_the_order_of_the_components():
    orders = set()
    for rng in generators(20):
        problem, x, truth = instance(rng)
        atoms = problem.blocks[0].penalty
        np.testing.assert_array_equal(step(problem, x), atoms.atoms(truth))
        orders.add(tuple(truth[:, 1]))
    assert len(orders) > 5


def test_it_is_the_projection_of_the_scaled_regression():
    for rng in generators(10, seed=1):
        problem, (start, H), _ = instance(rng, noise=0.3)
        free = scipy_nnls(H, problem.data.array.T).T
        expected = problem.blocks[0].penalty.prox(free / np.linalg.norm(free, axis=0), 1.0)
        np.testing.assert_array_equal(step(problem, (start, H)), expected)


def test_a_component_that_vanishes_takes_an_atom_that_is_left():
    problem, (start, H), truth = instance(np.random.default_rng(3))
    H = np.where(np.arange(4) == 2, 0.0, H)
    problem = FactorProblem(problem.blocks[0].penalty.atoms(truth) @ H.T, 4, _penalties(problem))
    new = step(problem, (start, H))
    kept = [0, 1, 3]
    np.testing.assert_array_equal(new[:, kept], problem.blocks[0].penalty.atoms(truth)[:, kept])
    assert problem.objective((new, H)) < 1e-20


def _penalties(problem):
    return tuple(block.penalty for block in problem.blocks)


def test_the_objective_may_increase():
    changes = []
    for rng in generators(30, seed=2):
        problem, x, _ = instance(rng, noise=0.5)
        x = (x[0], ActiveSet()(problem, x, 1, None)[0])
        for _ in range(4):
            before = problem.objective(x)
            x = (step(problem, x), x[1])
            x = (x[0], ActiveSet()(problem, x, 1, None)[0])
            changes.append(problem.objective(x) - before)
    assert max(changes) > 0.0 > np.mean(changes)


def test_the_scale_of_components_does_not_matter():
    problem, (start, H), _ = instance(np.random.default_rng(5), noise=0.2)
    wide = H * np.array([1e-4, 1.0, 30.0, 1e5])
    np.testing.assert_array_equal(step(problem, (start, wide)), step(problem, (start, H)))


def test_inputs_are_never_written_to_and_bytes_repeat():
    problem, x, _ = instance(np.random.default_rng(6), noise=0.2)
    frozen = read_only(*x)
    new = step(problem, frozen)
    assert not np.shares_memory(new, frozen[0])
    assert new.tobytes() == step(problem, x).tobytes()


def test_single_precision_is_kept():
    problem, x, truth = instance(np.random.default_rng(7), dtype=np.float32)
    new = step(problem, x)
    assert new.dtype == np.float32
    np.testing.assert_allclose(new, problem.blocks[0].penalty.atoms(truth), rtol=1e-6)


def test_says_what_it_needs():
    atoms = PickedAtoms((np.eye(2),), (2,))
    sentence = "AtomTransport needs a problem that offers normal_equations; Bare does not"
    with pytest.raises(TypeError, match=sentence):
        alternate(Bare(atoms), (np.eye(2),), AtomTransport())
    problem = FactorProblem(np.eye(2), 2, (Simplex(), Simplex()))
    sentence = "AtomTransport honours PickedAtoms but block 'W' has Simplex"
    with pytest.raises(TypeError, match=sentence):
        alternate(problem, (np.eye(2), np.eye(2)), AtomTransport())
