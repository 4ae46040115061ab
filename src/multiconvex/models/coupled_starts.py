"""Where fits of coupled models start."""

import numpy as np

from multiconvex.checks import check_blocks, check_option
from multiconvex.models.coupled_inputs import forbids_negatives
from multiconvex.operands import factors_to_array


def draw_starts(problem, init, n_starts, rng):
    """Return the points to start from: what was given, then random ones."""
    if isinstance(init, str):
        check_option("init", init, ("random",))
        given = []
    else:
        given = [_given_start(problem, init)]
    return given + [_random_start(problem, rng) for _ in range(n_starts - len(given))]


def _given_start(problem, init):
    if len(init) != len(problem.terms):
        raise ValueError(
            f"init must hold the factors of each of the {len(problem.terms)} data sets, "
            f"got {len(init)}."
        )
    factors = []
    for i, (term, given) in enumerate(zip(problem.terms, init)):
        names = [f"factors[{i}][{mode}]" for mode in range(len(term.blocks))]
        factors.append(check_blocks(given, [block.shape for block in term.blocks], names))
    return _feasible(
        problem,
        [wire.join([factors[i][mode] for i, mode in wire.members]) for wire in problem.wires],
    )


def _random_start(problem, rng):
    """Draw uniform entries where the penalties ask for them, else Gaussian ones, and scale."""
    x = []
    for wire, block in zip(problem.wires, problem.blocks):
        positive = forbids_negatives(block.penalty, block.shape)
        shared = (rng.random if positive else rng.standard_normal)(wire.link.shape)
        images = [wire.link.image(shared, j) for j in range(wire.link.count)]
        dtype = problem.terms[wire.members[0].dataset].data.dtype
        x.append(np.array(wire.join(images), dtype=dtype, order="C"))
    x = list(_feasible(problem, x))
    for i, term in enumerate(problem.terms):
        model = factors_to_array(problem.factors(tuple(x))[i])
        scale = np.sqrt(term.data.norm2 / max(np.vdot(model, model), np.finfo(float).tiny))
        own = [k for k, wire in enumerate(problem.wires) if wire.members[0].dataset == i]
        free = [k for k in own if len(problem.wires[k].members) == 1]
        for k in free[-1:]:
            x[k] = (scale * x[k]).astype(x[k].dtype)
    return _feasible(problem, x)


def _feasible(problem, x):
    """Return the point after projection on the domain of every penalty."""
    return tuple(block.penalty.prox(array, 0.0) for block, array in zip(problem.blocks, x))
