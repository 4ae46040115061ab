r"""Derivatives of validation losses in the groups that classification tasks were told.

The lower level has one column of weights for each task, and a trace norm for each group of tasks,
which makes the columns of a group span few directions. Its Bregman steps are those of
:mod:`multiconvex.nested.hypergradients` with spectral balls in place of Euclidean ones: singular
values :math:`s` of a mirror variable become :math:`\lambda s / \sqrt{1 + s^2}`. All mirror
variables are one matrix in disguise, :math:`v_l = z \operatorname{diag}(\theta_l)`, and
memberships enter by their squares :math:`q` only:

.. math::
    R_l = \bigl(I + z \operatorname{diag}(q_l) z^\top \bigr)^{1/2}, \quad
    s(z) = \lambda \sum_l R_l^{-1} z \operatorname{diag}(q_l), \quad
    w = \nabla f^*(-s(z)), \quad z \leftarrow z + \beta w .

Formulas have a column for each task, arrays a row.
"""

from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from multiconvex.checks import check_array, check_count, check_positive
from multiconvex.nested.logistic_kernels import hessian_factors, solve_factored, tilted_minimisers

_DECREMENT = 1e-18


@dataclass(frozen=True, eq=False)
class LabelledTasks:
    r"""Samples of classification tasks, and the loss of weights on them.

    Task t has :math:`N_t` samples with labels 0 or 1, and the loss

    .. math:: f_t(w) = \sum_i \bigl[ \log(1 + e^{z_i}) - y_i z_i \bigr] + \tfrac\mu2 \|w\|^2,
              \qquad z_i = \langle x_i, w \rangle + b,

    with an intercept b that is not penalised. Made by :meth:`prepare`.

    Attributes
    ----------
    X : ndarray, shape (R, P + 1)
        All samples and a column of ones; a table that tasks share stands there once.
    labels : ndarray
        Task by task.
    first, last : ndarray of int, shape (T,)
        Where in ``X`` the samples of a task are.
    ridge : ndarray, shape (P + 1,)
        :math:`\mu`, and 0 for the intercept.
    """

    X: np.ndarray
    labels: np.ndarray
    first: np.ndarray
    last: np.ndarray
    ridge: np.ndarray

    @classmethod
    def prepare(cls, X, Y, *, ridge):
        r"""Stack tasks.

        Parameters
        ----------
        X : list of T arrays, shapes (N_t, P)
            The same object for all tasks where they share it.
        Y : list of T arrays, shapes (N_t,)
            Labels 0 or 1, both in each task.
        ridge : float
            :math:`\mu`, positive.

        Returns
        -------
        LabelledTasks

        Raises
        ------
        ValueError
            When shapes do not agree, a task has samples of one class only, or ``ridge`` is not
            positive.
        """
        check_positive("ridge", ridge)
        tables, labels = _checked_tasks(X, Y)
        shared = all(table is tables[0] for table in tables)
        stacked = tables[0] if shared else np.concatenate(tables)
        counts = np.array([len(y) for y in labels])
        last = counts if shared else np.cumsum(counts)
        return cls(
            X=np.column_stack([stacked, np.ones(len(stacked))]),
            labels=np.concatenate(labels),
            first=last - counts,
            last=last,
            ridge=np.append(np.full(stacked.shape[1], float(ridge)), 0.0),
        )

    @property
    def shape(self):
        """Number of tasks and of features."""
        return len(self.first), self.X.shape[1] - 1

    def decisions(self, coef):
        """Return :math:`z` of all samples, task by task, and the samples themselves."""
        counts = self.last - self.first
        rows = np.concatenate([np.arange(*ends) for ends in zip(self.first, self.last)])
        samples = self.X[rows]
        return np.einsum("rp,rp->r", samples, np.repeat(coef, counts, axis=0)), samples

    def losses(self, coef):
        """Return the mean logistic loss of each task without the ridge, (T,)."""
        z, _ = self.decisions(coef)
        return self._means(np.logaddexp(0.0, z) - self.labels * z)

    def loss_gradients(self, coef):
        """Return the derivatives of :meth:`losses` in the weights, (T, P + 1)."""
        z, samples = self.decisions(coef)
        gaps = 0.5 * (1.0 + np.tanh(0.5 * z)) - self.labels
        return self._means(gaps[:, None] * samples)

    def _means(self, entries):
        counts = self.last - self.first
        sums = np.add.reduceat(entries, np.cumsum(counts) - counts, axis=0)
        return sums / counts.reshape(-1, *[1] * (entries.ndim - 1))


class Coupling(NamedTuple):
    r"""What the groups make of :math:`z`, with the eigenvectors and roots of :math:`R_l`.

    Attributes
    ----------
    tilt : ndarray, shape (T, P)
        :math:`s(z)`.
    images : ndarray, shape (L, T, P)
        :math:`R_l^{-1} z`.
    inverses : ndarray, shape (L, P, P)
        :math:`R_l^{-1}`.
    vectors : ndarray, shape (L, P, P)
    roots : ndarray, shape (L, P)
    """

    tilt: np.ndarray
    images: np.ndarray
    inverses: np.ndarray
    vectors: np.ndarray
    roots: np.ndarray


def couple(z, square, lam):
    """Return what groups, squares (L, T) of memberships, make of ``z`` (T, P)."""
    values, vectors = np.linalg.eigh((z.T * square[:, None, :]) @ z)
    roots = np.sqrt(1.0 + np.maximum(values, 0.0))
    inverses = (vectors / roots[:, None, :]) @ vectors.transpose(0, 2, 1)
    images = z @ inverses
    return Coupling(
        lam * np.sum(square[:, :, None] * images, axis=0), images, inverses, vectors, roots
    )


def couple_adjoint(coupling, z, square, lam, bar):
    r"""Return derivatives in ``z`` and ``square`` from those in the tilt, ``bar`` (T, P).

    The derivative of an inverse root solves a Sylvester equation that is diagonal in the
    eigenvectors of :math:`R`, with roots :math:`r`:

    .. math:: d(R^{-1}) = -Q \Bigl[ \frac{(Q^\top \, d(R^2) \, Q)_{ij}}{r_i r_j (r_i + r_j)}
              \Bigr] Q^\top .
    """
    outer = (bar.T * square[:, None, :]) @ z
    transposed = coupling.vectors.transpose(0, 2, 1)
    inner = transposed @ (outer + outer.transpose(0, 2, 1)) @ coupling.vectors
    rows, columns = coupling.roots[:, :, None], coupling.roots[:, None, :]
    bars = -(coupling.vectors @ (0.5 * inner / (rows * columns * (rows + columns))) @ transposed)
    turned = z @ bars
    in_z = lam * np.sum(square[:, :, None] * (bar @ coupling.inverses + 2.0 * turned), axis=0)
    in_square = lam * np.sum(bar * coupling.images + turned * z, axis=2)
    return in_z, in_square


class TaskHypergradient(NamedTuple):
    """Validation losses of tasks that share groups, and the derivative of their mean.

    Attributes
    ----------
    values : ndarray, shape (T,)
        Mean logistic loss of each task.
    theta : ndarray, shape (T, L)
        Derivative of the mean of ``values`` in the memberships.
    coef : ndarray, shape (T, P + 1)
        Weights of the lower level, the intercept last.
    """

    values: np.ndarray
    theta: np.ndarray
    coef: np.ndarray


def task_hypergradient(training, judging, theta, lam, *, n_inner=60):
    r"""Validation loss of classifiers with a trace norm for each group, and its derivative.

    The lower level fits the weights of all tasks, columns of w, on the training samples,

    .. math:: \hat w(\theta) = \operatorname*{argmin}_w \sum_t f_t(w_t)
              + \lambda \sum_{l=1}^L \|w \operatorname{diag}(\theta_l)\|_{\mathrm{tr}},

    by ``n_inner`` Bregman steps on its dual [1]_, in spectral balls of radius :math:`\lambda`, with
    the step :math:`\beta = \mu / \lambda`. The derivative of the loss on the judging samples runs
    through all of them in reverse, exactly.

    Parameters
    ----------
    training, judging : LabelledTasks
    theta : ndarray, shape (T, L)
        Memberships of T tasks in L groups: nonnegative, squares of a row sum to at most one.
    lam : float
        :math:`\lambda`, positive.
    n_inner : int, default 60

    Returns
    -------
    TaskHypergradient

    Raises
    ------
    ValueError
        When shapes do not agree or an option is out of range.

    Notes
    -----
    Guarantee: the dual objective never increases over the steps; the derivative is exact to
    rounding, for these steps.

    Cost: O(n_inner (N P^2 + L P^3)) for N samples in all, forward and in reverse, and
    O(n_inner (L + T) P (P + T)) memory.

    Chapter: :doc:`/chapters/learning/groups_of_tasks`

    References
    ----------
    .. [1] J. Frecon, S. Salzo and M. Pontil, "Unveiling groups of related tasks in multi-task
       learning", ICPR 2020.

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import LabelledTasks, task_hypergradient
    >>> X = np.random.default_rng(0).standard_normal((3, 40, 4))
    >>> Y = (X[:, :, 0] > 0).astype(float)
    >>> halves = [LabelledTasks.prepare(list(X[:, k::2]), list(Y[:, k::2]), ridge=1.0)
    ...           for k in (0, 1)]
    >>> task_hypergradient(*halves, np.full((3, 2), 0.5), 2.0).theta.shape
    (3, 2)
    """
    theta = _checked_memberships(theta, training)
    if judging.shape != training.shape:
        raise ValueError(
            f"judging must have as many tasks and features as training, {training.shape}; got "
            f"{judging.shape}."
        )
    square = theta.T**2
    path = list(bregman_path(training, square, lam, n_inner))
    coef = path[-1].coef
    return TaskHypergradient(
        values=judging.losses(coef),
        theta=2.0 * theta * _reverse(training, path, square, lam, judging.loss_gradients(coef)),
        coef=coef,
    )


class BregmanStep(NamedTuple):
    """Where the lower level stands.

    Attributes
    ----------
    z : ndarray, shape (T, P)
    coupling : Coupling
        Of ``z``.
    coef : ndarray, shape (T, P + 1)
    factors : ndarray, shape (T, P + 1, P + 1)
        Of the Hessians at ``coef``.
    """

    z: np.ndarray
    coupling: Coupling
    coef: np.ndarray
    factors: np.ndarray


def bregman_path(tasks, square, lam, n_inner):
    """Yield the states after 0 to ``n_inner`` Bregman steps."""
    check_positive("lam", lam)
    check_count("n_inner", n_inner)
    z, step = np.zeros(tasks.shape), tasks.ridge[0] / lam
    coef, factors = untied_weights(tasks)
    for _ in range(n_inner + 1):
        coupling = couple(z, square, lam)
        coef = _minimisers(tasks, -coupling.tilt, coef, factors)
        factors = _factors(tasks, coef)
        yield BregmanStep(z, coupling, coef, factors)
        z = z + step * coef[:, :-1]


def last_step(tasks, square, lam, n_inner):
    """Return the last state of :func:`bregman_path`."""
    return deque(bregman_path(tasks, square, lam, n_inner), maxlen=1).pop()


def untied_weights(tasks):
    """Return the weights of each task by itself, (T, P + 1), and the factors of its Hessian."""
    n_tasks, n_features = tasks.shape
    zeros = np.zeros((n_tasks, n_features + 1))
    coef = _minimisers(tasks, zeros[:, :-1], zeros, _factors(tasks, zeros))
    return coef, _factors(tasks, coef)


def _minimisers(tasks, tilt, start, factors):
    return tilted_minimisers(
        tasks.X,
        tasks.labels,
        tasks.first,
        tasks.last,
        np.column_stack([tilt, np.zeros(len(tilt))]),
        start,
        factors,
        tasks.ridge,
        _DECREMENT,
    )


def _factors(tasks, coef):
    return hessian_factors(tasks.X, tasks.first, tasks.last, coef, tasks.ridge)


def _reverse(tasks, path, square, lam, bar):
    """Return the derivative in squared memberships, (T, L), from that in the last weights."""
    step = tasks.ridge[0] / lam
    bar = bar / len(bar)
    in_square, in_z = np.zeros_like(square), np.zeros(tasks.shape)
    for state in reversed(path):
        pulled = -solve_factored(state.factors, bar)[:, :-1]
        through_z, through_square = couple_adjoint(state.coupling, state.z, square, lam, pulled)
        in_square += through_square
        in_z += through_z
        bar = np.column_stack([step * in_z, np.zeros(len(in_z))])
    return in_square.T


def _checked_memberships(theta, tasks):
    theta = check_array("theta", theta, ndim=2, nonnegative=True)
    if len(theta) != tasks.shape[0]:
        raise ValueError(
            f"theta must have one row for each of the {tasks.shape[0]} tasks, got shape "
            f"{theta.shape}."
        )
    longest = float(np.sum(theta**2, axis=1).max())
    if longest > 1.0 + 1e-9:
        raise ValueError(
            f"Squares of the memberships of a task must sum to at most one, got {longest:.3g}: "
            "project theta with Simplex().prox(theta, 1.0)."
        )
    return theta


def _checked_tasks(X, Y):
    if not len(X) or len(X) != len(Y):
        raise ValueError(f"X and Y must hold as many tasks, got {len(X)} and {len(Y)}.")
    checked = {}
    tables = [
        checked.setdefault(id(table), check_array(f"X[{t}]", table, ndim=2))
        for t, table in enumerate(X)
    ]
    labels = [check_array(f"Y[{t}]", y, ndim=1) for t, y in enumerate(Y)]
    for t, (table, y) in enumerate(zip(tables, labels)):
        if len(table) != len(y) or table.shape[1] != tables[0].shape[1]:
            raise ValueError(
                f"Task {t} has a table of shape {table.shape} and {len(y)} labels: tables need one "
                f"row for each label, and {tables[0].shape[1]} columns as the first."
            )
        if set(np.unique(y)) != {0.0, 1.0}:
            raise ValueError(
                f"Labels of task {t} must be 0 and 1, and some of each; got {np.unique(y)[:4]}."
            )
    return tables, labels
