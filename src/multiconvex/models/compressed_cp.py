r"""CP models fitted to a core: compress, fit under the constraints of the data, decompress."""

from dataclasses import dataclass, replace

import numpy as np

from multiconvex.checks import check_count, check_option
from multiconvex.image_penalties import NonNegativeImage
from multiconvex.models.compression import Compression, compress, fit_factors
from multiconvex.models.factor_problem import FactorProblem
from multiconvex.operands import DenseTensor, TuckerTensor, multiply_modes
from multiconvex.penalties import L2, GroupL2, NonNegative, NoPenalty, TraceNorm, UnitBall
from multiconvex.trace import Result
from multiconvex.updates import LeastSquares, ProjectedLeastSquares, ProxGradient

_OVERSAMPLING = 10
_ROOM = 5
_CANCELLATION = 1e-8
_KEPT = (NoPenalty, L2, GroupL2, TraceNorm, UnitBall)


class CompressedProblem(FactorProblem):
    r"""CP model of a tensor whose factors lie in given subspaces.

    .. math:: \min_{A^{(k)}} \; \tfrac12 \Bigl\| G - \sum_{q=1}^{r} A^{(0)}_{:q} \otimes \cdots
              \otimes A^{(d-1)}_{:q} \Bigr\|_F^2 + \sum_k g_k(U_k A^{(k)})

    The bases :math:`U_k` have orthonormal columns and :math:`G = X \times_0 U_0^T \cdots
    \times_{d-1} U_{d-1}^T` is the core. The loss on the data exceeds this one by
    ``lost``, half of the squared distance from :math:`X` to its projection.

    Parameters
    ----------
    data : DenseTensor
    small : TuckerTensor
        The projection of the data on the subspaces.
    rank : int
    penalties : sequence of Penalty
        Of the factors :math:`U_k A^{(k)}` of the data, one for each mode.

    Notes
    -----
    The objective is that of the factors of the data, with negative entries set to zero where they
    must not be, plus ``lost``. It is measured on the compressed data, and equals the objective on
    the data wherever the constraints hold.
    """

    def __init__(self, data, small, rank, penalties):
        pairs = zip(penalties, small.bases)
        super().__init__(small.core, rank, [_compressed(*pair) for pair in pairs])
        self.bases = small.bases
        self.lost = 0.5 * _lost_energy(data, small)
        self.large = FactorProblem(small, rank, penalties)

    def objective(self, x):
        return self.lost + self.large.objective(self.decompressed(x))

    def compressed(self, factors):
        """Return the blocks nearest to factors of the data."""
        return tuple(basis.T @ factor for basis, factor in zip(self.bases, factors))

    def decompressed(self, x):
        """Return the factors of the data, inside their constraints."""
        return tuple(
            block.penalty.prox(basis @ factor, 0.0)
            for block, basis, factor in zip(self.large.blocks, self.bases, x)
        )

    def watched_by(self, callback):
        """Return a callback that shows the factors of the data to ``callback``."""

        def show(sweep):
            factors = self.decompressed(tuple(sweep.blocks.values()))
            return callback(replace(sweep, blocks=dict(zip(sweep.blocks, factors))))

        return callback and show


@dataclass(frozen=True, repr=False)
class CompressedResult(Result):
    """A fit measured on the data, with its objective on the compressed data."""

    compressed_objective: float


def fit_compressed(problem, init, update, *, small, acceleration, callback, recorder, **options):
    """Fit the core of compressed data from factors of the data, and return such factors.

    Parameters
    ----------
    problem : FactorProblem
        On the data.
    init : tuple of ndarray
    update : Update or dict of str to Update
    small : TuckerTensor
        The data projected on subspaces.
    acceleration, callback, recorder, options
        As in :func:`fit_factors`.
    """
    if isinstance(acceleration, Compression):
        raise TypeError(
            "compress fits nothing but compressed data, which Compression() would compress again: "
            "leave out one of the two."
        )
    penalties = [block.penalty for block in problem.blocks]
    inner = CompressedProblem(problem.data, small, init[0].shape[1], penalties)
    result = fit_factors(
        inner,
        inner.compressed(init),
        update,
        acceleration=acceleration,
        callback=inner.watched_by(callback),
        recorder=recorder,
        **options,
    )
    factors = inner.decompressed(tuple(result.blocks.values()))
    recorder.clock.pause()
    last = recorder.add(result.n_iter, problem.objective(factors), "decompressed")
    return CompressedResult(
        dict(zip(result.blocks, factors)),
        last.objective,
        result.n_iter,
        result.status,
        recorder.trace(),
        result.objective - inner.lost,
    )


def compressed_update(penalty):
    """Return the rule that suits a penalty best in a compressed fit."""
    if isinstance(penalty, NonNegative):
        return ProjectedLeastSquares("one_step")
    return LeastSquares() if isinstance(penalty, NoPenalty | L2) else ProxGradient()


def project_on_subspaces(data, ranks, rng):
    """Return the data projected on nearly dominant subspaces of the given dimensions.

    Larger random subspaces first, then the dominant subspaces of what they keep.
    """
    rough = compress(data, np.add(ranks, _OVERSAMPLING), rng)
    fine = compress(rough.core, ranks, rng)
    bases = [outer @ inner for outer, inner in zip(rough.bases, fine.bases)]
    return TuckerTensor(fine.core.array, bases)


def check_ranks(compress, operand, rank):
    """Return the dimensions of the subspaces that ``compress`` asks for."""
    if not isinstance(operand, DenseTensor):
        raise TypeError(
            "compress works on a dense array: a pair (core, factors) is compressed already, leave "
            "compress out."
        )
    if isinstance(compress, str):
        check_option("compress", compress, ("tucker",))
        return tuple(min(n, rank + _ROOM) for n in operand.shape)
    if not isinstance(compress, tuple | list) or len(compress) != len(operand.shape):
        raise ValueError(
            f'compress must be "tucker" or {len(operand.shape)} dimensions, one for each mode, '
            f"got {compress!r}."
        )
    counts = (check_count(f"compress[{k}]", count) for k, count in enumerate(compress))
    return tuple(map(min, counts, operand.shape))


def _compressed(penalty, basis):
    """Return what a penalty of the factor asks of the block that stands for it."""
    if penalty == NonNegative():
        return NonNegativeImage(basis)
    if isinstance(penalty, _KEPT):
        return penalty
    kept = ", ".join(kind.__name__ for kind in _KEPT)
    raise TypeError(
        f"A compressed fit honours NonNegative without weights, {kept}, got {penalty!r}: leave "
        "compress out, or use acceleration=Compression()."
    )


def _lost_energy(data, small):
    """Return the squared distance from the data to their projection."""
    lost = data.norm2 - small.core.norm2
    if lost > _CANCELLATION * data.norm2:
        return lost
    gap = (data.array - multiply_modes(small.core.array, small.bases)).ravel()
    return float(gap @ gap)
