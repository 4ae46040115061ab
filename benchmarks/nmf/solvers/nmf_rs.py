from typing import ClassVar

import nmf_rs
import numpy as np
import scipy.sparse as sp
from benchopt import BaseSolver

METHODS = {"frobenius": ("hals", "ehals"), "kullback-leibler": ("brunet",)}


class Solver(BaseSolver):
    """nmf-rs: HALS, plain and extrapolated, and multiplicative updates, in Rust."""

    name = "nmf-rs"
    requirements: ClassVar = ["pip::nmf-rs"]
    parameters: ClassVar = {"solver": ["hals", "ehals", "brunet"]}

    def skip(self, X, rank, loss, l1, start):
        if self.solver not in METHODS[loss]:
            return True, f"{self.solver} is for another loss"
        if sp.issparse(X):
            return True, "nmf-rs would need the data filled in"
        return l1 > 0, "nmf-rs has no such penalty" if l1 else None

    def set_objective(self, X, rank, loss, l1, start):
        self.X, self.rank, self.start = X, rank, start

    def warm_up(self):
        self.run_once()

    def run(self, n_iter):
        if n_iter == 0:
            self.factors = self.start
            return
        W, H = (np.ascontiguousarray(factor) for factor in (self.start[0], self.start[1].T))
        options = {"method": self.solver, "W0": W, "H0": H, "num_threads": 1}
        fit = nmf_rs.nmf(self.X, rank=self.rank, max_iter=n_iter, **options)
        self.factors = np.asarray(fit.W), np.asarray(fit.H).T

    def get_result(self):
        return {"W": self.factors[0], "H": self.factors[1]}
