"""The choice of atoms is the best one, whichever way it is computed."""

import itertools

import numpy as np
import pytest
import scipy.sparse as sp
from contracts.instances import generators
from contracts.penalty import PenaltyContract
from scipy.optimize import linprog

from multiconvex import PickedAtoms
from multiconvex.picked_atoms import transport


def unit(atoms):
    return atoms / np.linalg.norm(atoms, axis=0)


def choices(sizes, counts, rank):
    """Yield every way to give distinct atoms to the components within the limits."""
    pairs = [(i, number) for i, size in enumerate(sizes) for number in range(size)]
    for choice in itertools.permutations(pairs, rank):
        used = np.bincount([i for i, _ in choice], minlength=len(sizes))
        if np.all(used <= counts):
            yield choice


def total(scores, picks):
    return sum(scores[i][number, q] for q, (i, number) in enumerate(picks))


def random_case(rng, rank=3, largest=5):
    """Return scores and limits that allow ``rank`` atoms, often more."""
    while True:
        sizes = rng.integers(1, largest + 1, rng.integers(1, 4))
        counts = rng.integers(0, 4, len(sizes))
        if np.minimum(sizes, counts).sum() >= rank:
            return [rng.standard_normal((size, rank)) for size in sizes], tuple(counts.tolist())


def test_transport_is_the_best_of_all_choices():
    spare = 0
    for rng in generators(60):
        scores, counts = random_case(rng)
        sizes = [len(table) for table in scores]
        best = max(total(scores, choice) for choice in choices(sizes, counts, 3))
        picks = transport(scores, counts)
        assert total(scores, picks) == pytest.approx(best, abs=1e-12)
        assert tuple(map(tuple, picks)) in set(choices(sizes, counts, 3))
        spare += sum(counts) > 3
    assert spare > 20


def linear_program(scores, counts):
    """Return the largest total score of the linear relaxation on all atoms."""
    rank = scores[0].shape[1]
    sizes = [len(table) for table in scores]
    each_atom = sp.kron(sp.eye_array(sum(sizes)), np.ones((1, rank)))
    each_dictionary = sp.block_diag([np.ones((1, size * rank)) for size in sizes])
    done = linprog(
        -np.vstack(scores).ravel(),
        A_ub=sp.vstack([each_atom, each_dictionary]),
        b_ub=np.concatenate([np.ones(sum(sizes)), counts]),
        A_eq=sp.kron(np.ones((1, sum(sizes))), sp.eye_array(rank)),
        b_eq=np.ones(rank),
        method="highs",
    )
    return -done.fun


def test_neither_integers_nor_the_atoms_left_out_cost_anything():
    for rng in generators(20, seed=1):
        scores = [rng.random((size, 5)) ** 0.1 for size in (40, 10, 70)]
        picks = transport(scores, (1, 2, 3))
        assert total(scores, picks) == pytest.approx(linear_program(scores, (1, 2, 3)), abs=1e-9)


def test_contested_atoms_need_as_many_candidates_as_components():
    """All components want the same atoms, in the same order."""
    rank = 4
    worth = np.array([5.0, 4.0, 3.0, 2.0, 1.0])
    scores = [np.repeat(worth[:, None], rank, axis=1)]
    assert total(scores, transport(scores, (rank,))) == 5 + 4 + 3 + 2


def test_differences_too_small_for_a_linear_program_count():
    scores = [np.array([[1.0, 1.0 - 1e-12], [1.0 - 1e-11, 1.0]])]
    for table in (scores[0], scores[0][:, ::-1]):
        picks = transport([table], (2,))
        assert picks[:, 1].tolist() == table.argmax(axis=0).tolist()


def test_pairing_dictionaries_and_components_as_they_come_is_worse():
    """The listing of the source does so whenever there are as many of both (erratum 8.4)."""
    worse = 0
    for rng in generators(60, seed=2):
        scores = [rng.random((6, 4)) for _ in range(4)]
        paired = sum(table[:, q].max() for q, table in enumerate(scores))
        best = total(scores, transport(scores, (1, 1, 1, 1)))
        assert paired <= best + 1e-12
        worse += paired < best - 1e-12
    assert worse > 40


def test_duplicated_dictionaries_pick_an_atom_twice():
    """Twins of a dictionary with two picks both offer its best atom (erratum 8.5)."""
    table = np.array([[1.0, 1.0], [0.0, 0.5]])
    assert table.argmax(axis=0).tolist() == [0, 0]
    assert transport([table], (2,)).tolist() == [[0, 0], [0, 1]]


class TestPickedAtoms(PenaltyContract):
    rng = np.random.default_rng(4)
    penalty = PickedAtoms((rng.random((5, 4)), rng.standard_normal((5, 6))), (1, 3))
    constraint = True

    def feasible(self, rng):
        first, second = self.penalty.dictionaries
        numbers = rng.permutation(6)[:2]
        columns = np.column_stack([first[:, rng.integers(4)], second[:, numbers]])
        return columns[:, rng.permutation(3)]

    def test_prox_is_the_nearest_of_all_points(self):
        for _, v, step in self.cases():
            points = [
                np.column_stack([self.penalty.dictionaries[i][:, number] for i, number in choice])
                for choice in choices((4, 6), (1, 3), 3)
            ]
            nearest = min(np.linalg.norm(point - v) for point in points)
            gap = np.linalg.norm(self.penalty.prox(v, step) - v)
            assert gap == pytest.approx(nearest, abs=1e-12)

    def test_picks_of_atoms_are_these_atoms(self):
        for rng, _, _ in self.cases():
            picks = np.array([[1, 5], [0, rng.integers(4)], [1, rng.integers(5)]])
            np.testing.assert_array_equal(self.penalty.picks(self.penalty.atoms(picks)), picks)


def test_what_is_not_in_the_set():
    atoms = PickedAtoms((np.eye(3), unit(np.ones((3, 1)))), (2, 1))
    first, second, third = np.eye(3)
    assert atoms.value(np.column_stack([first, third])) == 0.0
    assert atoms.value(np.column_stack([first, first])) == np.inf
    assert atoms.value(np.column_stack([first, second, third])) == np.inf
    assert atoms.value(np.column_stack([first, 2 * second])) == np.inf
    assert atoms.value(np.column_stack([first, unit(second[:, None] + 0.01)[:, 0]])) == np.inf


def test_equal_atoms_with_different_numbers_are_distinct():
    twice = PickedAtoms((np.ones((3, 2)),), (2,))
    assert twice.value(np.ones((3, 2)) / np.sqrt(3)) == 0.0


def test_atoms_are_scaled_and_what_was_given_is_left_alone():
    given = 3.0 * np.eye(2)
    np.testing.assert_array_equal(PickedAtoms((given,), (1,)).dictionaries[0], np.eye(2))
    np.testing.assert_array_equal(given, 3.0 * np.eye(2))


def test_capacity_counts_what_is_there():
    assert PickedAtoms((np.eye(3), np.eye(3)[:, :1]), (2, 5)).capacity == 3


@pytest.mark.parametrize(
    ("dictionaries", "counts", "kind", "sentence"),
    [
        (np.eye(2), (1, 1), TypeError, "dictionaries must be a sequence of arrays .* got ndarray"),
        ((), (), TypeError, "dictionaries must be a sequence of arrays"),
        ((np.eye(2),), (1, 1), ValueError, "counts must hold one number for each of the 1 dict"),
        ((np.eye(2),), 1, ValueError, "counts must hold one number for each of the 1 dict"),
        ((np.eye(2),), (-1,), ValueError, r"counts\[0\] must be an integer of at least 0, got -1"),
        ((np.eye(2),), (1.0,), ValueError, r"counts\[0\] must be an integer"),
        ((np.eye(2), np.eye(3)), (1, 1), ValueError, r"dictionaries\[0\] has 2 and .*\[1\] has 3"),
        ((np.eye(2), np.diag([1.0, 0.0])), (1, 1), ValueError, r"Atom 1 of dictionaries\[1\] is"),
        ((np.ones(3),), (1,), ValueError, r"dictionaries\[0\] must have 2 dimensions"),
        ((np.full((2, 2), np.nan),), (1,), ValueError, r"dictionaries\[0\] has 4 NaN"),
    ],
)
def test_impossible_dictionaries_are_refused(dictionaries, counts, kind, sentence):
    with pytest.raises(kind, match=sentence):
        PickedAtoms(dictionaries, counts)


def test_more_columns_than_the_limits_allow_are_refused():
    with pytest.raises(ValueError, match=r"allow 2 atoms, fewer than rank=3: raise counts"):
        PickedAtoms((np.eye(3), np.eye(3)), (1, 1)).prox(np.eye(3), 1.0)
