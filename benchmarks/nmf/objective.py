"""Nonnegative matrix factorisation: loss plus weights, from one start for every solver."""

from typing import ClassVar

import numpy as np
import scipy.sparse as sp
from benchopt import BaseObjective
from benchopt.stopping_criterion import SufficientProgressCriterion

from multiconvex import MultiplicativeUpdate, NonNegative, RelativeDecrease, alternate
from multiconvex.losses import as_loss
from multiconvex.models import DivergenceProblem, FactorProblem
from multiconvex.models.initialization import filled, nndsvd

_SEED = 0
_WARM = 20


class Objective(BaseObjective):
    r"""Loss of X and W @ H.T plus l1 times the sum of all entries of W and H.

    ``weight`` is l1 in units of the mean slope of the loss in a factor that is zero. The start is a
    nonnegative double SVD after 20 multiplicative sweeps, so that most solvers end in one valley.
    """

    name = "NMF"
    min_benchopt_version = "1.10"
    parameters: ClassVar = {"loss": ["frobenius", "kullback-leibler"], "weight": [0.0, 0.05]}
    sampling_strategy = "iteration"
    stopping_criterion = SufficientProgressCriterion(eps=1e-10, patience=5)
    test_config: ClassVar = {"dataset": {"name": "Synthetic", "kind": "counts", "size": 0.1}}

    def set_data(self, X, rank):
        self.X, self.rank = X, rank
        plain = self.problem_with(0.0)
        rng = np.random.default_rng(_SEED)
        start = filled(nndsvd(FactorProblem(X, rank, (NonNegative(),) * 2).data, rank, rng))
        if self.loss == "frobenius":
            slopes = [plain.normal_equations(start, k)[1].mean() for k in range(2)]
        else:
            slopes = [factor.sum(axis=0).mean() for factor in start]
        self.l1 = self.weight * float(np.mean(slopes))
        self.problem = self.problem_with(self.l1)
        warm = alternate(
            self.problem, start, MultiplicativeUpdate(), stop=RelativeDecrease(0.0), max_iter=_WARM
        )
        self.start = filled(tuple(warm.blocks.values()))

    def problem_with(self, l1):
        """Return the problem with this weight of the sum of the factors."""
        penalties = (NonNegative(l1), NonNegative(l1))
        if self.loss == "frobenius":
            return FactorProblem(self.X, self.rank, penalties)
        return DivergenceProblem(self.X, self.rank, as_loss(self.loss), penalties)

    def get_objective(self):
        return {
            "X": self.X, "rank": self.rank, "loss": self.loss, "l1": self.l1, "start": self.start,
        }  # fmt: skip

    def evaluate_result(self, W, H):
        value = self.problem.objective((np.maximum(W, 0.0), np.maximum(H, 0.0)))
        m, n = self.X.shape
        stored = self.X.nnz if sp.issparse(self.X) else np.count_nonzero(self.X)
        return {"value": value, "rows": m, "columns": n, "rank": self.rank, "stored": stored}

    def get_one_result(self):
        return {"W": self.start[0], "H": self.start[1]}
