"""Recognising multi-convex programs, and finding what to fix."""

from itertools import combinations

import cvxpy as cp
import networkx as nx
from cvxpy.atoms.affine.add_expr import AddExpression

from multiconvex.programming.explanation import quoted, why_not, why_not_constraint
from multiconvex.programming.fixing import known_signs, stand_in, substitute


class NotMultiConvex(ValueError):
    """A problem, or a block of its variables, is not convex when the rest is fixed."""


def is_multiconvex(problem):
    r"""Return whether fixing variables can make a problem convex, each variable being free once.

    .. math:: \min_{x_1, \dots, x_n} \; f(x_1, \dots, x_n) \quad \text{subject to constraints}

    is multi-convex when there are sets :math:`F_1, \dots, F_p` of variables with empty
    intersection such that the problem is convex once the variables of any :math:`F_i` are fixed
    [1]_. Convexity is that of CVXPY's rules; a convex problem is multi-convex.

    Parameters
    ----------
    problem : cvxpy.Problem

    Returns
    -------
    bool

    Notes
    -----
    Guarantee: True only when every block of :func:`multiconvex.fixed_sets` gives a disciplined
    convex program; False also for what the rules cannot see.

    Cost: one pass over the expressions for each pair of variables that meet in a term.

    Chapter: :doc:`/chapters/latent_structure/multiconvex_programs`

    References
    ----------
    .. [1] X. Shen, S. Diamond, M. Udell, Y. Gu, S. Boyd, "Disciplined multi-convex programming",
       29th Chinese Control and Decision Conference, 2017.

    Examples
    --------
    >>> import cvxpy as cp
    >>> from multiconvex.programming import is_multiconvex
    >>> x, y = cp.Variable(name="x"), cp.Variable(name="y")
    >>> is_multiconvex(cp.Problem(cp.Minimize(cp.abs(x * y)), [x + y >= 1]))
    True
    >>> is_multiconvex(cp.Problem(cp.Minimize(cp.sqrt(x) + y)))
    False
    """
    try:
        fixed_sets(problem)
    except NotMultiConvex:
        return False
    return True


def fixed_sets(problem):
    r"""Return the minimal sets of variables to fix so that the rest is a convex program.

    Parameters
    ----------
    problem : cvxpy.Problem
        With continuous real variables. Parameters need no value, only their signs count.

    Returns
    -------
    tuple of tuple of cvxpy.Variable
        Each set, and the sets themselves, in the order of ``problem.variables()``. A convex
        problem has one set, which is empty.

    Raises
    ------
    NotMultiConvex
        If some variable keeps the problem from being convex even when all others are fixed, or is
        boolean, integer or complex. The message names the term and the reason.

    Notes
    -----
    Guarantee: each set is minimal and what it leaves free satisfies CVXPY's rules.

    Cost: one pass over the expressions for each pair of variables that meet in a term; the number
    of sets itself can grow exponentially with the number of variables that conflict.

    Chapter: :doc:`/chapters/latent_structure/multiconvex_programs`

    Two variables conflict when the problem is not convex with all others fixed. Sets that may be
    free together are the cliques of the graph of pairs without conflict.

    Examples
    --------
    >>> import cvxpy as cp
    >>> from multiconvex.programming import fixed_sets
    >>> W, H = cp.Variable((4, 2), name="W"), cp.Variable((2, 3), name="H")
    >>> fixed = fixed_sets(cp.Problem(cp.Minimize(cp.sum_squares(W @ H - 1))))
    >>> [[variable.name() for variable in group] for group in fixed]
    [['W'], ['H']]
    """
    grammar = Grammar(problem)
    everything = range(len(grammar.variables))
    complements = [
        tuple(index for index in everything if index not in free) for free in grammar.free_sets()
    ]
    return tuple(
        tuple(grammar.variables[index] for index in group) for group in sorted(complements)
    )


class Grammar:
    """The terms of a problem, asked which variables may be free together.

    Attributes
    ----------
    variables : list of cvxpy.Variable
    signs : dict of int to str or None
        What is known of the sign of each variable, by ``id``.
    """

    def __init__(self, problem):
        if not isinstance(problem, cp.Problem):
            raise TypeError(f"problem must be a cvxpy.Problem, got {type(problem).__name__}.")
        self.variables = problem.variables()
        for variable in self.variables:
            _check_continuous(variable)
        self.signs = known_signs(problem)
        self._terms = list(_terms_of(problem))
        index_of = {id(variable): index for index, variable in enumerate(self.variables)}
        self._members = [
            frozenset(index_of[id(variable)] for variable in term.variables())
            for _, term in self._terms
        ]
        self._verdicts = {}

    def allows(self, free):
        """Return whether the problem is convex when only these variables are free."""
        return all(self._verdict(term, free) for term in range(len(self._terms)))

    def explain(self, free):
        """Return the first reason why :meth:`allows` refuses."""
        for (wanted, _), term in zip(self._terms, range(len(self._terms))):
            if not self._verdict(term, free):
                fixed = self._fixed(term, free)
                if wanted == "constraint":
                    return f"in the constraint {quoted(fixed)}, {why_not_constraint(fixed)}"
                return f"in the objective, {why_not(fixed, wanted)}"
        raise ValueError("these variables may be free together")

    def free_sets(self):
        """Return the maximal sets of indices that may be free together, sorted."""
        graph = nx.Graph()
        for index, variable in enumerate(self.variables):
            if not self.allows({index}):
                others = " with every other variable fixed" if len(self.variables) > 1 else ""
                raise NotMultiConvex(
                    f"The problem is not multi-convex: {variable.name()} cannot be free"
                    f"{others}: {self.explain({index})}."
                )
            graph.add_node(index)
        graph.add_edges_from(
            pair for pair in combinations(graph.nodes, 2) if self.allows(frozenset(pair))
        )
        candidates = [
            free for clique in nx.find_cliques(graph) for free in self._verified(frozenset(clique))
        ]
        return sorted(
            tuple(sorted(free))
            for free in set(candidates)
            if not any(free < other for other in candidates)
        )

    def _verified(self, free):
        """Return the maximal subsets that may be free: the set itself, but for rare triples."""
        if self.allows(free):
            return {free}
        return set().union(*(self._verified(free - {index}) for index in free))

    def _verdict(self, term, free):
        key = (term, self._members[term].intersection(free))
        if key not in self._verdicts:
            self._verdicts[key] = self._is_convex(term, key[1])
        return self._verdicts[key]

    def _is_convex(self, term, free):
        if not free:
            return True
        fixed = self._fixed(term, free)
        wanted = self._terms[term][0]
        if wanted == "constraint":
            return fixed.is_dcp()
        return fixed.is_convex() if wanted == "convex" else fixed.is_concave()

    def _fixed(self, term, free):
        mapping = {
            id(self.variables[index]): stand_in(
                self.variables[index], self.signs[id(self.variables[index])]
            )
            for index in self._members[term].difference(free)
        }
        return substitute(self._terms[term][1], mapping, {})


def _check_continuous(variable):
    for kind in ("boolean", "integer"):
        if variable.attributes[kind]:
            raise NotMultiConvex(
                f"The problem is not multi-convex: {variable.name()} is {kind}; relax it to an "
                "interval (bounds=[0, 1] for a boolean) and round the solution."
            )
    if variable.is_complex():
        raise NotMultiConvex(
            f"The problem is not multi-convex here: {variable.name()} is complex; write it as a "
            "real and an imaginary part."
        )


def _terms_of(problem):
    """Yield what must be convex on its own: terms of the objective, then constraints."""
    maximise = isinstance(problem.objective, cp.Maximize)
    for term in summands(problem.objective.args[0]):
        yield "concave" if maximise else "convex", term
    for constraint in problem.constraints:
        yield "constraint", constraint


def summands(expression):
    """Yield the terms of a sum, or the expression itself."""
    if isinstance(expression, AddExpression):
        for arg in expression.args:
            yield from summands(arg)
    else:
        yield expression
