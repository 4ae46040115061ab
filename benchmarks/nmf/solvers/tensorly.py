import warnings
from typing import ClassVar

import numpy as np
import scipy.sparse as sp
from benchopt import BaseSolver
from tensorly.cp_tensor import CPTensor
from tensorly.decomposition import non_negative_parafac, non_negative_parafac_hals


class Solver(BaseSolver):
    """tensorly's nonnegative factorisations of a tensor with two modes."""

    name = "tensorly"
    parameters: ClassVar = {"solver": ["hals", "mu"]}

    def skip(self, X, rank, loss, l1, start):
        if loss != "frobenius":
            return True, "tensorly has the Frobenius loss only"
        if sp.issparse(X):
            return True, "tensorly would need the data filled in"
        if l1:
            return True, "tensorly normalises the weight of its penalty differently"
        return False, None

    def set_objective(self, X, rank, loss, l1, start):
        self.X, self.rank, self.start = X, rank, start

    def warm_up(self):
        self.run_once()

    def run(self, n_iter):
        if n_iter == 0:
            self.factors = self.start
            return
        fit = non_negative_parafac_hals if self.solver == "hals" else non_negative_parafac
        start = CPTensor((np.ones(self.rank), [factor.copy() for factor in self.start]))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = fit(self.X, self.rank, n_iter_max=n_iter, init=start, tol=0)
        self.factors = model.factors[0] * model.weights, model.factors[1]

    def get_result(self):
        return {"W": self.factors[0], "H": self.factors[1]}
