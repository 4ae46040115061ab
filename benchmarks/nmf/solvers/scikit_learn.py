import warnings
from typing import ClassVar

import numpy as np
import scipy.sparse as sp
from benchopt import BaseSolver
from sklearn.decomposition import NMF


class Solver(BaseSolver):
    """scikit-learn's coordinate descent and multiplicative updates."""

    name = "scikit-learn"
    parameters: ClassVar = {"solver": ["cd", "mu"]}

    def skip(self, X, rank, loss, l1, start):
        wrong = self.solver == "cd" and loss != "frobenius"
        return wrong, "coordinate descent is for the Frobenius loss" if wrong else None

    def set_objective(self, X, rank, loss, l1, start):
        m, n = X.shape
        self.X = sp.csr_matrix(X) if sp.issparse(X) else X
        self.start, self.loss = start, loss
        self.options = {
            "n_components": rank, "init": "custom", "solver": self.solver, "beta_loss": loss,
            "tol": 0.0, "alpha_W": l1 / n, "alpha_H": l1 / m, "l1_ratio": 1.0,
        }  # fmt: skip

    def warm_up(self):
        self.run_once()

    def run(self, n_iter):
        W, H = self.start
        if n_iter == 0:
            self.factors = W, H
            return
        model = NMF(max_iter=n_iter, **self.options)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            left = model.fit_transform(self.X, W=W.copy(), H=np.ascontiguousarray(H.T))
        self.factors = left, model.components_.T

    def get_result(self):
        return {"W": self.factors[0], "H": self.factors[1]}
