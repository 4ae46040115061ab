"""The outer problem of learned groups: what the tasks lose on their validation samples."""

from dataclasses import dataclass

import numpy as np

from multiconvex.nested.hypergradients import TaskProblems, hypergradient, solve_lower_level
from multiconvex.nested.outer import OuterProblem
from multiconvex.penalties import Simplex
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
    """

    tasks: TaskProblems
    n_groups: int
    lam: float
    n_inner: int
    method: str

    @property
    def block(self):
        return Block("theta", (self.tasks.shape[1], self.n_groups), Simplex())

    @property
    def n_terms(self):
        return self.tasks.shape[0]

    def values(self, theta, terms):
        coef = solve_lower_level(self.tasks, theta, self.lam, n_inner=self.n_inner, tasks=terms)
        gap = np.einsum("tnp,tp->tn", self.tasks.X_val[terms], coef) - self.tasks.Y_val[terms]
        return 0.5 * np.sum(gap**2, axis=1)

    def values_and_gradients(self, theta, terms):
        found = hypergradient(
            self.tasks, theta, self.lam, n_inner=self.n_inner, method=self.method, tasks=terms
        )
        return found.values, found.theta
