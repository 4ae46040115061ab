"""States of an implicit rule, for many inputs at once."""

from dataclasses import dataclass

import numpy as np

from multiconvex.checks import check_array, check_count, check_option, check_positive
from multiconvex.implicit_rules.certificates import Certificate, UncertifiedWarning, certify
from multiconvex.implicit_rules.fixed_points import iterate, plain_map, reflected_map
from multiconvex.stopping import ConvergenceWarning, warn_caller

_METHODS = ("auto", "anderson", "picard", "peaceman_rachford")
_WINDOW = 5
_SINGLE = 4e-6
_LONGEST_START = 100
_ROUNDS = 4


@dataclass(frozen=True, eq=False, repr=False)
class Equilibrium:
    r"""States that solve their equation, and how well.

    Attributes
    ----------
    states : ndarray, shape (m, h)
    residual : ndarray, shape (m,)
        What one more step of the rule would change, :math:`\|x - (D x + E u + f)_+\|_2`.
    error_bound : ndarray, shape (m,)
        Proved distance of each state from the exact one in the Euclidean norm; infinite where
        nothing proves that there is one state.
    n_iter : ndarray of int, shape (m,)
        Steps that each sample took, one product with a matrix each.
    status : str
        ``"converged"``, or ``"max_iter"`` where a sample ran out of steps.
    certificate : Certificate
    """

    states: np.ndarray
    residual: np.ndarray
    error_bound: np.ndarray
    n_iter: np.ndarray
    status: str
    certificate: Certificate

    def __repr__(self):
        return (
            f"Equilibrium(states {self.states.shape}; residual at most "
            f"{self.residual.max():.2g} after {self.n_iter.max()} steps, {self.status})"
        )


def equilibrium(D, E, f, U, *, method="auto", tol=1e-8, max_iter=1000, init=None, certificate=None):
    r"""Solve for the states of an implicit rule.

    .. math:: x_i = (D x_i + E u_i + f)_+, \qquad i = 1, \dots, m .

    ``"picard"`` repeats this step, :math:`z \leftarrow D [z]_+ + b` with :math:`b = E u + f`.
    ``"anderson"`` combines the last six steps so that their residual is least, and falls back on
    a plain step where that made it larger. ``"peaceman_rachford"`` repeats

    .. math:: v \leftarrow C |v| + 2 \alpha (I + \alpha (I - D))^{-1} b, \qquad
              C = (I + \alpha (I - D))^{-1} (I - \alpha (I - D)),

    whose states are :math:`[v]_+`. ``"auto"`` is the last one where the rule is monotone and
    ``"anderson"`` elsewhere. Samples that have arrived leave the batch.

    Parameters
    ----------
    D : array_like, shape (h, h)
    E : array_like, shape (h, n)
    f : array_like, shape (h,)
    U : array_like, shape (m, n)
        Inputs, one a row.
    method : {"auto", "anderson", "picard", "peaceman_rachford"}
    tol : float, default 1e-8
        Largest distance from the exact state relative to the state, as proved by the certificate,
        or what rounding allows; without a certificate, the largest relative residual.
    max_iter : int, default 1000
        Most steps of a sample.
    init : array_like, shape (m, h), optional
        States to start from, :math:`[E u + f]_+` by default.
    certificate : Certificate, optional
        What :func:`certify` says about D, where it is already known.

    Returns
    -------
    Equilibrium

    Raises
    ------
    ValueError
        When shapes do not go together, or for ``"peaceman_rachford"`` with a rule that is not
        monotone.

    Warns
    -----
    UncertifiedWarning
        When nothing proves that there is one state for every input.
    ConvergenceWarning
        When a sample runs out of steps.

    Notes
    -----
    Guarantee: with a certificate, states within `tol` of the exact ones, where the status is
    ``"converged"``. Where :math:`\|D\|_2 \le \kappa < 1`, plain steps contract by
    :math:`\kappa` and those of Peaceman and Rachford by :math:`\kappa / (2 - \kappa)`; where the
    rule is monotone, these converge for any norm.

    Cost: O(m h^2) for each step, and O(h^3) once. Where :math:`\|D\|_2 < 1` and no `init` is
    given, the first half of the digits comes in single precision.

    Chapter: :doc:`/chapters/learning/implicit_prediction_rules`

    References
    ----------
    D. W. Peaceman and H. H. Rachford, "The numerical solution of parabolic and elliptic
    differential equations", Journal of SIAM 3, 1955; E. Winston and J. Z. Kolter, "Monotone
    operator equilibrium networks", NeurIPS 2020; H. F. Walker and P. Ni, "Anderson acceleration
    for fixed-point iterations", SIAM Journal on Numerical Analysis 49, 2011.

    Examples
    --------
    >>> import numpy as np
    >>> found = equilibrium(np.array([[0.5]]), np.eye(1), np.zeros(1), np.array([[1.0], [-1.0]]))
    >>> found.states.round(6).ravel(), found.status
    (array([2., 0.]), 'converged')
    """
    D, drive, init = _checked(D, E, f, U, init)
    check_option("method", method, _METHODS)
    check_positive("tol", tol)
    max_iter = check_count("max_iter", max_iter)
    certificate = certify(D) if certificate is None else certificate
    if not certificate.certified:
        warn_caller(
            "Nothing proves that this rule has one state for every input: the norm of D is "
            f"{certificate.spectral_norm:.3g} and its monotonicity "
            f"{certificate.monotonicity:.3g}. Project D on a well-posed set, such as "
            "SpectralBall(0.95).",
            UncertifiedWarning,
        )
    fixed = _fixed_point_map(D, drive, method, certificate)
    window = _WINDOW if method == "anderson" or (method == "auto" and fixed.slope == 0) else 0
    certified = certificate.certified
    amplification = certificate.amplification if certified else 1.0
    rounding = 16.0 * np.finfo(float).eps * max(1.0, certificate.spectral_norm)
    tol = max(tol / amplification, rounding)
    points = drive.copy() if init is None else fixed.start(init, D, drive)
    counts = np.zeros(len(points), dtype=np.int64)
    if init is None and certificate.spectral_norm < 1.0 and tol < _SINGLE:
        points, counts = _head_start(fixed, points, min(max_iter // 2, _LONGEST_START), window)
    states, residual, converged = _finish(fixed, points, counts, D, drive, tol, max_iter, window)
    if not converged:
        warn_caller(
            f"{int(np.sum(residual > tol * np.linalg.norm(states, axis=1)))} of {len(states)} "
            f"samples have no state after {max_iter} steps: raise max_iter, loosen tol, or project "
            "D on a smaller well-posed set.",
            ConvergenceWarning,
        )
    bound = amplification * residual if certified else np.full_like(residual, np.inf)
    status = "converged" if converged else "max_iter"
    return Equilibrium(states, residual, bound, counts, status, certificate)


def _fixed_point_map(D, drive, method, certificate):
    monotone = method in ("auto", "peaceman_rachford") and "monotone" in certificate.proofs
    if method == "peaceman_rachford" and not monotone:
        raise ValueError(
            'method="peaceman_rachford" needs a monotone rule, and the monotonicity of this one is '
            f"{certificate.monotonicity:.3g}: choose another method, project D on MonotoneSet, or "
            "pass a certificate with other weights lam."
        )
    return reflected_map(D, drive, certificate.reflection) if monotone else plain_map(D, drive)


def _head_start(fixed, points, max_iter, window):
    """Return points that are right to single precision, and the steps taken."""
    single = fixed._replace(
        matrix=fixed.matrix.astype(np.float32), shift=fixed.shift.astype(np.float32)
    )
    points = points.astype(np.float32)
    counts = iterate(single, points, _SINGLE, max_iter, window)
    return points.astype(float), counts


def _finish(fixed, points, counts, D, drive, tol, max_iter, window):
    """Iterate until the residual of the rule itself is small; points and counts are updated."""
    rows = np.arange(len(points))
    states = np.empty_like(points)
    residual = np.empty(len(points))
    for tightened in range(_ROUNDS):
        some = points[rows]
        counts[rows] += iterate(
            fixed._replace(shift=fixed.shift[rows]),
            some,
            0.1**tightened * tol,
            max_iter - int(counts[rows].max()),
            window,
        )
        points[rows] = some
        states[rows] = np.maximum(some, 0.0)
        swept = np.maximum(states[rows] @ D.T + drive[rows], 0.0)
        residual[rows] = np.linalg.norm(states[rows] - swept, axis=1)
        rows = np.flatnonzero(residual > tol * np.linalg.norm(states, axis=1))
        if len(rows) == 0 or counts[rows].max() >= max_iter:
            break
    return states, residual, len(rows) == 0


def _checked(D, E, f, U, init):
    D = check_array("D", D, ndim=2).astype(float, copy=False)
    E = check_array("E", E, ndim=2).astype(float, copy=False)
    f = check_array("f", f, ndim=1).astype(float, copy=False)
    U = check_array("U", U, ndim=2).astype(float, copy=False)
    hidden, inputs = E.shape
    expected = {"D": (hidden, hidden), "f": (hidden,), "U": (len(U), inputs)}
    for name, array in (("D", D), ("f", f), ("U", U)):
        if array.shape != expected[name]:
            raise ValueError(
                f"{name} must have shape {expected[name]} to go with E of shape {E.shape}, "
                f"got {array.shape}."
            )
    if init is not None:
        init = check_array("init", init, ndim=2).astype(float, copy=False)
        if init.shape != (len(U), hidden):
            raise ValueError(
                f"init must have shape {(len(U), hidden)}, one row a sample and one column a unit, "
                f"got {init.shape}."
            )
    return D, U @ E.T + f, init
