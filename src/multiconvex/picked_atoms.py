r"""A constraint of matrix models: columns are distinct atoms of given dictionaries."""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from scipy.optimize import linear_sum_assignment

from multiconvex.checks import check_count, unit_columns
from multiconvex.penalties import Penalty


@dataclass(frozen=True, eq=False, repr=False)
class PickedAtoms(Penalty):
    r"""Columns are distinct atoms of several dictionaries, with a limit to each dictionary.

    With :math:`D_i` the dictionaries, their columns scaled to unit Euclidean norm, the set is

    .. math:: \{\, (D_{i_1} e_{l_1}, \dots, D_{i_r} e_{l_r}) : (i_q, l_q) \text{ distinct},
              \; \#\{q : i_q = i\} \le d_i \text{ for all } i \,\}.

    All its points have the same norm, so that the projection of :math:`V` on it maximises
    :math:`\sum_q \langle V_{:q}, D_{i_q} e_{l_q} \rangle`: a transportation problem, whose linear
    relaxation has integer vertices because its constraints form two nested families. ``prox``
    solves it exactly.

    Parameters
    ----------
    dictionaries : sequence of ndarray, shapes (m, n_i)
        Atoms are columns.
    counts : sequence of int
        Largest number :math:`d_i` of atoms of each dictionary.

    Attributes
    ----------
    capacity : int
        Largest number of columns that the limits allow.

    Raises
    ------
    ValueError
        For dictionaries with a zero atom or different numbers of rows, or counts that do not go
        with them.

    References
    ----------
    J. E. Cohen and N. Gillis, "Spectral unmixing with multiple dictionaries", IEEE Geoscience and
    Remote Sensing Letters 15, 2018.

    Examples
    --------
    >>> import numpy as np
    >>> atoms = PickedAtoms((np.eye(3), np.ones((3, 1))), counts=(1, 1))
    >>> atoms.picks(np.array([[2.0, 3.0], [2.0, 0.0], [2.0, 0.0]]))
    array([[1, 0],
           [0, 0]])
    """

    dictionaries: tuple
    counts: tuple
    capacity: int = field(init=False)
    columnwise: ClassVar[bool] = False

    def __post_init__(self):
        dictionaries = _checked(self.dictionaries)
        counts = _checked_counts(self.counts, len(dictionaries))
        usable = sum(min(count, atoms.shape[1]) for atoms, count in zip(dictionaries, counts))
        object.__setattr__(self, "dictionaries", dictionaries)
        object.__setattr__(self, "counts", counts)
        object.__setattr__(self, "capacity", usable)

    def value(self, x):
        gap = np.abs(self.prox(x, 0.0) - x).max(initial=0.0)
        return 0.0 if gap <= 8.0 * np.sqrt(np.finfo(x.dtype).eps) else np.inf

    def prox(self, x, step):
        return self.atoms(self.picks(x)).astype(x.dtype, copy=False)

    def picks(self, x):
        """Return the atoms nearest to the columns of ``x`` as pairs (dictionary, atom)."""
        self.check_rank(x.shape[1])
        return transport([atoms.T @ x for atoms in self.dictionaries], self.counts)

    def check_rank(self, rank):
        """Refuse more columns than the limits allow; return their number."""
        if rank > self.capacity:
            raise ValueError(
                f"The dictionaries and counts allow {self.capacity} atoms, fewer than "
                f"rank={rank}: raise counts, add atoms, or lower the rank."
            )
        return rank

    def atoms(self, picks):
        """Return the atoms of pairs (dictionary, atom) as columns of unit norm."""
        return np.stack([self.dictionaries[i][:, atom] for i, atom in picks], axis=1)


def transport(scores, counts):
    r"""Return distinct atoms for all components of largest total score, as pairs, in their order.

    .. math:: \max_{x \ge 0} \sum_{ilq} S^{(i)}_{lq} x_{ilq} \quad\text{subject to}\quad
              \sum_{il} x_{ilq} = 1, \quad \sum_q x_{ilq} \le 1, \quad \sum_{lq} x_{ilq} \le d_i

    Only the ``rank`` best atoms of each dictionary for each component can matter: one of them is
    always free. Of the atoms kept, all but :math:`d_i` of dictionary i are taken by idle rows that
    may take nothing else, which leaves an assignment problem. Its solver compares scores exactly,
    where linear programs are solved to a tolerance that can exceed the differences between
    neighbouring pixels.

    Parameters
    ----------
    scores : sequence of ndarray, shapes (n_i, rank)
    counts : sequence of int

    Returns
    -------
    ndarray of int, shape (rank, 2)
    """
    rank = scores[0].shape[1]
    kept = [_best_rows(table, rank) for table in scores]
    owners = np.repeat(np.arange(len(scores)), [len(rows) for rows in kept])
    gains = np.vstack([table[rows] for table, rows in zip(scores, kept)]).astype(float)
    idle = np.repeat(
        np.arange(len(scores)), [max(len(rows) - d, 0) for rows, d in zip(kept, counts)]
    )
    blocked = np.where(owners[:, None] == idle, 0.0, -np.inf)
    atoms, takers = linear_sum_assignment(np.hstack([gains, blocked]), maximize=True)
    chosen = np.empty(gains.shape[1] + len(idle), int)
    chosen[takers] = atoms
    return np.column_stack([owners, np.concatenate(kept)])[chosen[:rank]]


def _best_rows(table, rank):
    """Return the rows that are among the ``rank`` largest of some column."""
    if len(table) <= rank:
        return np.arange(len(table))
    return np.unique(np.argpartition(-table, rank - 1, axis=0)[:rank])


def _checked(dictionaries):
    if not isinstance(dictionaries, tuple | list) or not dictionaries:
        raise TypeError(
            "dictionaries must be a sequence of arrays with atoms as columns, such as (D,) for "
            f"one; got {type(dictionaries).__name__}."
        )
    checked = []
    for i, atoms in enumerate(dictionaries):
        atoms = unit_columns(f"dictionaries[{i}]", atoms)
        if checked and len(atoms) != len(checked[0]):
            raise ValueError(
                f"All dictionaries must have as many rows: dictionaries[0] has {len(checked[0])} "
                f"and dictionaries[{i}] has {len(atoms)}."
            )
        checked.append(atoms)
    return tuple(checked)


def _checked_counts(counts, n_dictionaries):
    if not isinstance(counts, tuple | list | np.ndarray) or len(counts) != n_dictionaries:
        raise ValueError(
            f"counts must hold one number for each of the {n_dictionaries} dictionaries, "
            f"got {counts!r}."
        )
    return tuple(check_count(f"counts[{i}]", count, least=0) for i, count in enumerate(counts))
