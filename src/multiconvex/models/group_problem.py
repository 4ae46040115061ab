"""The outer problem of learned groups: what the tasks lose on their validation samples."""

from dataclasses import dataclass

import numpy as np

from multiconvex.models.memberships import SETS
from multiconvex.nested.hypergradients import TaskProblems, hypergradient, solve_lower_level
from multiconvex.nested.outer import OuterProblem
from multiconvex.problem import Block


@dataclass(frozen=True, eq=False)
class GroupProblem(OuterProblem):
    r"""Half the squared error of each task on its validation samples, given the groups.

    Parameters
    ----------
    tasks : TaskProblems
        Validation rows divided by the square root of their number make errors mean errors.
    n_groups : int
    lam : float
    n_inner : int
        Steps of the lower level.
    method : {"reverse", "checkpointed", "implicit"}
        As in :func:`multiconvex.hypergradient`.
    memberships : {"simplex", "cover"}
        Whether those of a feature sum to one, or to one or more with none above one.
    """

    tasks: TaskProblems
    n_groups: int
    lam: float
    n_inner: int
    method: str
    memberships: str = "simplex"

    @property
    def block(self):
        return Block("theta", (self.tasks.shape[1], self.n_groups), SETS[self.memberships])

    @property
    def n_terms(self):
        return self.tasks.shape[0]

    @property
    def overlap(self):
        """The largest sum of squared memberships of a feature."""
        return float(self.n_groups) if self.memberships == "cover" else 1.0

    def values(self, theta, terms):
        coef = solve_lower_level(
            self.tasks, theta, self.lam, n_inner=self.n_inner, overlap=self.overlap, tasks=terms
        )
        gap = np.einsum("tnp,tp->tn", self.tasks.X_val[terms], coef) - self.tasks.Y_val[terms]
        return 0.5 * np.sum(gap**2, axis=1)

    def values_and_gradients(self, theta, terms):
        found = hypergradient(
            self.tasks, theta, self.lam, n_inner=self.n_inner, method=self.method,
            overlap=self.overlap, tasks=terms,
        )  # fmt: skip
        return found.values, found.theta
