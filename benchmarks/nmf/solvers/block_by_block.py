from typing import ClassVar

from benchopt import BaseSolver

from multiconvex import (
    HALS,
    MSOM,
    ActiveSet,
    ConstrainedNewton,
    DivergenceProblem,
    Extrapolation,
    FactorProblem,
    JointMajorant,
    JointProblem,
    MultiplicativeUpdate,
    NoLips,
    NonNegative,
    PrimalDual,
    ProxGradient,
    QuasiNewton,
    RelativeDecrease,
    ScalarNewton,
    SinkhornScaling,
    alternate,
    nmf,
)
from multiconvex.losses import as_loss

RULES = {
    "HALS": (HALS(), ("frobenius",)),
    "active set": (ActiveSet("block"), ("frobenius",)),
    "prox gradient": (ProxGradient(), ("frobenius",)),
    "multiplicative": (MultiplicativeUpdate(), ("frobenius", "kullback-leibler")),
    "median majorant": (MSOM(), ("frobenius", "kullback-leibler")),
    "scalar Newton": (ScalarNewton(), ("kullback-leibler",)),
    "constrained Newton": (ConstrainedNewton(), ("kullback-leibler",)),
    "primal-dual": (PrimalDual(), ("kullback-leibler",)),
    "NoLips": (NoLips(), ("kullback-leibler",)),
    "joint majorant": (JointMajorant(), ("kullback-leibler",)),
    "quasi-Newton": (QuasiNewton(steps=20), ("frobenius", "kullback-leibler")),
}
JOINT = ("joint majorant", "quasi-Newton")
WAYS = {"plain": None, "extrapolated": Extrapolation(), "Sinkhorn": SinkhornScaling()}
COMBINED = {
    "extrapolated": ("HALS", "multiplicative", "scalar Newton", "joint majorant"),
    "Sinkhorn": ("multiplicative", "scalar Newton"),
}


class Solver(BaseSolver):
    """Updates of multiconvex, alternating or all at once, and what ``nmf`` does by default."""

    name = "multiconvex"
    parameters: ClassVar = {"update": ["default", *RULES], "way": list(WAYS)}
    test_config: ClassVar = {"update": "default", "way": "plain"}

    def skip(self, X, rank, loss, l1, start):
        if self.update == "default":
            return self.way != "plain", "the default chooses its own acceleration"
        if loss not in RULES[self.update][1]:
            return True, f"{self.update} is for another loss"
        wanted = self.way == "plain" or self.update in COMBINED[self.way]
        if not wanted or (self.way == "Sinkhorn" and loss == "frobenius"):
            return True, f"{self.update} is not run {self.way}"
        return False, None

    def set_objective(self, X, rank, loss, l1, start):
        self.data, self.rank, self.loss, self.start = X, rank, loss, start
        self.penalties = (NonNegative(l1), NonNegative(l1))

    def warm_up(self):
        self.run_once(2)

    def run(self, n_iter):
        self.factors = self.start
        if n_iter == 0:
            return
        if self.update == "default":
            fit = nmf(
                self.data, self.rank, loss=self.loss, penalties=self.penalties, init=self.start,
                max_iter=n_iter, tol=0.0, random_state=0,
            )  # fmt: skip
            self.factors = fit.factors
            return
        if self.loss == "frobenius":
            problem = FactorProblem(self.data, self.rank, self.penalties)
        else:
            problem = DivergenceProblem(self.data, self.rank, as_loss(self.loss), self.penalties)
        start = self.start
        if self.update in JOINT:
            problem = JointProblem(problem)
            start = problem.stack(start)
        fit = alternate(
            problem, start, RULES[self.update][0], acceleration=WAYS[self.way],
            stop=RelativeDecrease(0.0), max_iter=n_iter, trace_every=n_iter,
        )  # fmt: skip
        blocks = tuple(fit.blocks.values())
        self.factors = problem.split(blocks) if self.update in JOINT else blocks

    def get_result(self):
        return {"W": self.factors[0], "H": self.factors[1]}
