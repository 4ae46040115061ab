r"""Matrix factorisation of data in chunks of rows, by the same loop as in memory.

The block ``W`` is a Dask array in the chunks of the data, each of which stays with its rows; ``H``
is small and local. Rows of ``W`` depend on each other through ``H`` only, so that an update of
``W`` is the same update of every chunk.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from multiconvex.checks import check_option, check_rank
from multiconvex.engine import alternate
from multiconvex.losses import Frobenius
from multiconvex.memo import IdentityMemo
from multiconvex.models.chunked_starts import chunked_nndsvd, chunked_random, given_start
from multiconvex.models.compression import fit_factors
from multiconvex.models.factor_problem import FactorProblem, factor_names
from multiconvex.models.initialization import filled
from multiconvex.operands_chunked import ChunkedMatrix, local_operand, sum_of_rows
from multiconvex.penalties import (
    L1,
    L2,
    Box,
    NonNegative,
    NoPenalty,
    Penalty,
    RowSparse,
    Simplex,
    SubSimplex,
)
from multiconvex.problem import Block
from multiconvex.updates import MultiplicativeUpdate, Update

_BY_ROWS = (NoPenalty, NonNegative, L1, L2, Box, RowSparse, SubSimplex)


def fit_chunks(
    X,
    rank,
    *,
    loss,
    penalties,
    nonnegative,
    update,
    init,
    acceleration,
    balancing,
    stop,
    max_iter,
    callback,
    rng,
    recorder,
):
    """Run what :func:`multiconvex.nmf` runs, on a Dask array."""
    if not isinstance(loss, Frobenius):
        raise TypeError(
            f"Dask arrays are factorised under loss='frobenius', whose products are sums over "
            f"chunks; got {loss!r}: pass X.compute() where it fits."
        )
    X = ChunkedMatrix(X)
    X.check("X", nonnegative=nonnegative)
    rank = check_rank(rank, X.shape)
    rules = update if isinstance(update, dict) else dict.fromkeys(factor_names(2), update)
    _check_rules(rules, X.shape[1], rank, penalties)
    problem = ChunkedFactorProblem(X, rank, penalties)
    if isinstance(init, str):
        check_option("init", init, ("nndsvd", "random"))
        draw = chunked_nndsvd if init == "nndsvd" else chunked_random
        start = draw(X, rank, rng, nonnegative=nonnegative)
        if any(isinstance(rule, MultiplicativeUpdate) for rule in rules.values()):
            start = filled(start)
    else:
        start = given_start(X, init, rank)
    return fit_factors(
        problem,
        (start[0].persist(), start[1]),
        {"W": ByChunks(rules["W"]), "H": rules["H"]},
        acceleration=acceleration,
        balancing=balancing,
        stop=stop,
        max_iter=max_iter,
        callback=callback,
        rng=rng,
        recorder=recorder,
    )


class ChunkedFactorProblem(FactorProblem):
    r"""Factor model of a chunked matrix under the Frobenius loss.

    The loss of :class:`multiconvex.FactorProblem`; the block ``W`` is a Dask array.

    Parameters
    ----------
    X : ChunkedMatrix
    rank : int
    penalties : pair of Penalty
        That of ``W`` is a sum over rows.
    """

    def __init__(self, X, rank, penalties):
        super().__init__(X, rank, penalties)
        rows, columns = self.blocks
        self.blocks = (Block(rows.name, rows.shape, ByRows(rows.penalty)), columns)
        self._sums = IdentityMemo()

    def normal_equations(self, x, k):
        """Return ``gram, rhs``; for ``H`` both come from one pass over the data."""
        if k == 0:
            return super().normal_equations(x, k)
        return self._sums("H", (x[0],), lambda: self.data.row_sums(x[0]))

    def map_rows(self, call, x):
        """Return the lazy block with rows ``call(X_c, W_c, H)``."""
        return self.data.map_rows(call, x[0].shape[1], (x[0],), (x[1],))


@dataclass(frozen=True)
class ByRows(Penalty):
    """A penalty that is a sum over rows, on arrays in chunks of rows."""

    penalty: Penalty

    def __post_init__(self):
        on_rows = isinstance(self.penalty, Simplex) and self.penalty.axis == 1
        if not (isinstance(self.penalty, _BY_ROWS) or on_rows):
            raise TypeError(
                f"The penalty of W must be a sum over rows where X is a Dask array, got "
                f"{self.penalty!r}: move it to H, or pass X.compute() where it fits."
            )

    @property
    def degree(self):
        return self.penalty.degree

    @property
    def columnwise(self):
        return self.penalty.columnwise

    def value(self, x):
        if isinstance(x, np.ndarray):
            return self.penalty.value(x)
        return float(sum_of_rows(_ValueOf(self.penalty), x, (1, 1))[0, 0])

    def prox(self, x, step):
        return x.map_blocks(self.penalty.prox, step, dtype=x.dtype, meta=x._meta)


@dataclass(frozen=True)
class ByChunks(Update):
    """An update of the block that is in chunks of rows: that of each chunk, where it is."""

    rule: Update
    requires: ClassVar[tuple[str, ...]] = ("map_rows",)
    handles: ClassVar[tuple[type, ...]] = (ByRows,)

    def __call__(self, problem, x, k, memory):
        improve = _Improved(self.rule, problem.blocks[k].penalty.penalty)
        return problem.map_rows(improve, x).persist(), memory


@dataclass(frozen=True)
class _Improved:
    """The update of one chunk of ``W``: the first block of a factor problem of its own."""

    rule: Update
    penalty: Penalty

    def __call__(self, chunk, W, H):
        penalties = (self.penalty, NoPenalty())
        problem = FactorProblem(local_operand(chunk), H.shape[1], penalties)
        return self.rule(problem, (np.ascontiguousarray(W), H), 0, None)[0]


@dataclass(frozen=True)
class _ValueOf:
    """The value of a penalty at one chunk, as a matrix."""

    penalty: Penalty

    def __call__(self, rows):
        return np.array([[self.penalty.value(rows)]])


def _check_rules(rules, columns, rank, penalties):
    """Let the engine refuse, on one row of data, what it would refuse in memory."""
    problem = FactorProblem(np.ones((1, columns)), rank, penalties)
    point = np.ones((1, rank)), np.ones((columns, rank))
    alternate(problem, point, rules, max_iter=0)
    if rules["W"].start(problem, point, 0) is not None:
        raise TypeError(
            f"{type(rules['W']).__name__} remembers what it did to W, which chunks do not: "
            "choose an update such as HALS()."
        )
