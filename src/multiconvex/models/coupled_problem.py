r"""Several data sets, each with its factor model, some of whose factors are coupled."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from multiconvex.memo import IdentityMemo
from multiconvex.models.couplings import Link, Member, RightLink
from multiconvex.penalties import NoPenalty, Penalty
from multiconvex.problem import Block, MultiblockProblem

_LARGEST_SYSTEM = 1000


@dataclass(frozen=True)
class Wire(ABC):
    """What connects one block of a coupled problem with the factors of its members."""

    members: tuple[Member, ...]
    link: Link
    penalties: tuple[Penalty, ...]

    @property
    @abstractmethod
    def penalty(self):
        """The penalty of the block."""

    @property
    @abstractmethod
    def shape(self):
        """The shape of the block."""

    @abstractmethod
    def parts(self, block):
        """Return the factor of each member."""

    @abstractmethod
    def shared(self, block):
        """Return the shared factor, the nearest one where the block is split."""

    @abstractmethod
    def join(self, factors):
        """Return the block whose parts are closest to the factors."""

    @abstractmethod
    def pull_back(self, factors):
        """Apply the adjoint of ``parts``."""

    @abstractmethod
    def norm2(self, j):
        """Return the squared norm of the map from the block to the factor of member ``j``."""


class Shared(Wire):
    """The block is the shared factor itself: the coupling holds exactly."""

    @property
    def penalty(self):
        given = [penalty for penalty in self.penalties if not isinstance(penalty, NoPenalty)]
        return given[0] if given else NoPenalty()

    @property
    def shape(self):
        return self.link.shape

    def parts(self, block):
        return [self.link.image(block, j) for j in range(self.link.count)]

    def shared(self, block):
        return block

    def join(self, factors):
        return self.link.closest(factors, [1.0] * len(factors))

    def pull_back(self, factors):
        return self.link.pull_back(factors)

    def norm2(self, j):
        return self.link.norm2(j)


@dataclass(frozen=True)
class Split(Wire):
    """The block is all factors of the members, one after the other."""

    sizes: tuple[tuple[int, int], ...]

    @property
    def penalty(self):
        return _SeparatePenalties(self)

    @property
    def shape(self):
        return (sum(n * rank for n, rank in self.sizes),)

    def parts(self, block):
        ends = np.cumsum([n * rank for n, rank in self.sizes])[:-1]
        return [part.reshape(size) for part, size in zip(np.split(block, ends), self.sizes)]

    def shared(self, block):
        return self.link.closest(self.parts(block), [1.0] * self.link.count)

    def join(self, factors):
        return np.concatenate([factor.ravel() for factor in factors])

    pull_back = join

    def norm2(self, j):
        return 1.0


@dataclass(frozen=True)
class _SeparatePenalties(Penalty):
    """The penalties of factors that lie in one block."""

    wire: Split

    def value(self, x):
        return sum(p.value(part) for p, part in zip(self.wire.penalties, self.wire.parts(x)))

    def prox(self, x, step):
        parts = self.wire.parts(x)
        return self.wire.join([p.prox(part, step) for p, part in zip(self.wire.penalties, parts)])


def wire_factors(terms, couplings, penalties):
    """Return one wire for each coupling, then one for each factor that no coupling has.

    Parameters
    ----------
    terms : sequence of MultiblockProblem
        The model of each data set.
    couplings : sequence of Coupling
    penalties : sequence of sequence of Penalty
        One for each mode of each data set.
    """
    wires, free = (
        [],
        [Member(i, mode) for i, term in enumerate(terms) for mode in range(len(term.blocks))],
    )
    for coupling in couplings:
        for member in coupling.members:
            if member not in free:
                raise ValueError(
                    f"A coupling has mode {member.mode} of data set {member.dataset}, which does "
                    "not exist or is coupled already: couple each mode of each data set once."
                )
            free.remove(member)
        sizes = tuple(terms[i].blocks[mode].shape for i, mode in coupling.members)
        link = coupling.link(sizes, terms[0].data.dtype)
        wire = Shared(
            coupling.members, link, tuple(penalties[i][mode] for i, mode in coupling.members)
        )
        if not _holds_exactly(wire):
            _check_quadratic(terms, coupling)
            wire = Split(**vars(wire), sizes=sizes)
        wires.append(wire)
    for i, mode in free:
        shape = terms[i].blocks[mode].shape
        link = RightLink(None, shape, [shape[1]])
        wires.append(Shared((Member(i, mode),), link, (penalties[i][mode],)))
    return wires


def _check_quadratic(terms, coupling):
    for i, _ in coupling.members:
        if not hasattr(terms[i], "normal_equations"):
            raise TypeError(
                f"Counts need a coupling that holds exactly, and that of data set {i} has to be "
                "split: share factors as they are or by columns, with the same penalty."
            )


def _holds_exactly(wire):
    """Return whether the shared factor can be the block, with a penalty of its own."""
    given = [penalty for penalty in wire.penalties if not isinstance(penalty, NoPenalty)]
    if not given:
        return isinstance(wire.link, RightLink) or np.prod(wire.shape) <= _LARGEST_SYSTEM
    alike = all(penalty is given[0] or penalty == given[0] for penalty in given)
    if not isinstance(wire.link, RightLink) or not alike:
        return False
    if wire.link.matrices is None:
        return True
    on_all = len(given) == len(wire.penalties)
    return on_all and given[0].columnwise and wire.link.selects


class CoupledProblem(MultiblockProblem):
    r"""Factor models of several data sets with coupled factors.

    .. math:: \sum_i w_i f_i(A_i^{(0)}, A_i^{(1)}, \dots) + \sum_k g_k(x_k),

    where :math:`f_i` is the loss of data set :math:`i`, and each factor is a part of one block
    :math:`x_k`: the block is a factor that no coupling has, a shared factor whose images are the
    factors, or the factors of one coupling one after the other.

    Parameters
    ----------
    terms : sequence of MultiblockProblem
        The model of each data set alone.
    weights : sequence of float
    wires : sequence of Wire
    """

    def __init__(self, terms, weights, wires):
        self.terms, self.wires = tuple(terms), tuple(wires)
        self.weights = tuple(float(weight) for weight in weights)
        self.blocks = tuple(
            Block(name, wire.shape, wire.penalty) for name, wire in zip(_names(wires), wires)
        )
        losses = {term.loss_function for term in terms}
        if len(losses) == 1:
            (self.loss_function,) = losses
        self._parts, self._factors = IdentityMemo(), IdentityMemo()

    def factors(self, x):
        """Return the factors of each data set, a tuple of tuples."""
        return self._factors("factors", x, lambda: self._gather(x))

    def loss(self, x):
        losses = (term.loss(factors) for term, factors in zip(self.terms, self.factors(x)))
        return sum(weight * loss for weight, loss in zip(self.weights, losses))

    def gradient(self, x, k):
        self._check_whole(k)
        parts = zip(self._member_weights(k), self._of_members("gradient", x, k))
        return self.wires[k].pull_back([w * part for w, part in parts])

    def multiplicative_terms(self, x, k):
        """Return ``num, den`` with gradient ``den - num``, for data sets with one common loss."""
        self._check_whole(k)
        wire = self.wires[k]
        halves = zip(*self._of_members("multiplicative_terms", x, k))
        weights = self._member_weights(k)
        return tuple(
            wire.pull_back([w * part for w, part in zip(weights, parts)]) for parts in halves
        )

    def lipschitz(self, x, k):
        bounds = zip(self._member_weights(k), self._of_members("lipschitz", x, k))
        return sum(w * bound * self.wires[k].norm2(j) for j, (w, bound) in enumerate(bounds))

    def normal_equations(self, x, k):
        """Return ``gram, rhs`` of a block that is a factor or makes factors by ``A R``."""
        self._check_whole(k)
        link = self.wires[k].link
        if not isinstance(link, RightLink):
            raise TypeError(
                f"Block {self.blocks[k].name!r} has no normal equations of its size, since its "
                "coupling mixes rows: use CoupledLeastSquares()."
            )
        grams, rhs = zip(*self.member_equations(x, k))
        return link.summed_gram(grams), link.pull_back(rhs)

    def member_equations(self, x, k):
        """Return the weighted normal equations of the factor of each member."""
        equations = self._of_members("normal_equations", x, k)
        return [(w * gram, w * rhs) for w, (gram, rhs) in zip(self._member_weights(k), equations)]

    def link(self, k):
        """Return the maps from the shared factor of block ``k`` to the factors of its members."""
        return self.wires[k].link

    def split(self, k):
        """Return what takes block ``k`` apart into factors, with their penalties."""
        return self.wires[k]

    def coupling_gap(self, x):
        """Return how far factors are from images of a shared factor, at worst, relatively."""
        return max(_gap(wire, block) for wire, block in zip(self.wires, x))

    def _gather(self, x):
        gathered = [[None] * len(term.blocks) for term in self.terms]
        for k, (wire, block) in enumerate(zip(self.wires, x)):
            parts = self._parts(k, (block,), lambda w=wire, b=block: w.parts(b))
            for (i, mode), part in zip(wire.members, parts):
                gathered[i][mode] = part
        return tuple(map(tuple, gathered))

    def _of_members(self, capability, x, k):
        """Ask the data set of each member of a block about its factor."""
        factors = self.factors(x)
        return [
            getattr(self.terms[i], capability)(factors[i], mode)
            for i, mode in self.wires[k].members
        ]

    def _member_weights(self, k):
        return [self.weights[i] for i, _ in self.wires[k].members]

    def _check_whole(self, k):
        if _is_split(self.wires[k]):
            raise TypeError(
                f"Block {self.blocks[k].name!r} holds separate copies, which only CoupledADMM() "
                "brings together: use it for this block, and read coupling_gap."
            )


def _is_split(wire):
    return isinstance(wire, Split)


def _names(wires):
    shared = 0
    for wire in wires:
        if len(wire.members) == 1:
            ((i, mode),) = wire.members
            yield f"factors[{i}][{mode}]"
        else:
            yield f"{'coupled' if _is_split(wire) else 'shared'}[{shared}]"
            shared += 1


def _gap(wire, block):
    """Return the relative distance of coupled factors from images of the nearest shared factor."""
    if isinstance(wire, Shared):
        return 0.0
    shared = wire.shared(block)
    factors = wire.parts(block)
    away = [factor - wire.link.image(shared, j) for j, factor in enumerate(factors)]
    sizes = [sum(np.vdot(part, part) for part in parts) for parts in (away, factors)]
    return float(np.sqrt(sizes[0] / max(sizes[1], np.finfo(float).tiny)))
