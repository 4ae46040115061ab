r"""Whether an implicit rule has exactly one state, and a number that proves it.

The state of a sample solves :math:`x = (D x + b)_+`. This is the linear complementarity problem of
the matrix :math:`I - D`, which has one solution for every :math:`b` exactly when all principal
minors of :math:`I - D` are positive. Nobody can check all of them, so what is checked here are
conditions that imply it.
"""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from multiconvex.checks import check_array, check_entries

_ROUNDING = 1e-12


class UncertifiedWarning(UserWarning):
    """No certificate proves that a rule has one state for every input."""


@dataclass(frozen=True, eq=False, repr=False)
class Certificate:
    r"""What is known about the solutions of :math:`x = (D x + b)_+`.

    Each number is computed when it is first asked for.

    Attributes
    ----------
    D : ndarray, shape (h, h)
    lam : ndarray, shape (h,)
        Weights of the metric :math:`\|x\|_\Lambda^2 = \sum_i \lambda_i x_i^2`.
    """

    D: np.ndarray
    lam: np.ndarray
    _scaled: np.ndarray = field(init=False)

    def __post_init__(self):
        roots = np.sqrt(self.lam)
        object.__setattr__(self, "_scaled", roots[:, None] * self.D / roots)

    @cached_property
    def spectral_norm(self):
        r"""Largest singular value of :math:`\Lambda^{1/2} D \Lambda^{-1/2}`.

        One step of the rule brings two states closer by at least this factor.
        """
        return float(np.linalg.norm(self._scaled, 2))

    @cached_property
    def inf_norm(self):
        """Largest sum of magnitudes in a row of D."""
        return float(np.abs(self.D).sum(axis=1).max())

    @cached_property
    def perron_radius(self):
        """Spectral radius of the matrix of magnitudes :math:`|D|`."""
        return float(np.abs(np.linalg.eigvals(np.abs(self.D))).max())

    @cached_property
    def perron_weights(self):
        r"""Weights :math:`w \ge 1` with :math:`|D| w = w - 1`, None where there are none.

        In the norm :math:`\max_i |x_i| / w_i`, one step contracts by :math:`1 - 1 / \max_i w_i`.
        They exist exactly where the Perron-Frobenius radius is below one. If v are those of
        :math:`D^T`, the rule is monotone with the weights :math:`\lambda_i = v_i / w_i`.
        """
        bounds = self._componentwise
        return None if bounds is None else bounds.sum(axis=1)

    @cached_property
    def monotonicity(self):
        r"""Largest :math:`\mu` with
        :math:`\langle x, (I - D) x \rangle_\Lambda \ge \mu \|x\|_\Lambda^2`.
        """
        return float(np.linalg.eigvalsh(_symmetric(np.eye(len(self.D)) - self._scaled))[0])

    @cached_property
    def lmi_eigenvalue(self):
        r"""Smallest eigenvalue of :math:`\Lambda - (\Lambda D + D^T \Lambda)`.

        At zero or above, the Fenchel divergence with weights :math:`\lambda` is convex in the
        states. This is the same as :math:`\mu \ge 1/2`.
        """
        coupling = self.lam[:, None] * self.D
        return float(np.linalg.eigvalsh(np.diag(self.lam) - coupling - coupling.T)[0])

    @property
    def contraction(self):
        """The contraction factor of each proof that is a norm, below one where it holds."""
        weights = self.perron_weights
        perron = np.inf if weights is None else 1.0 - 1.0 / float(weights.max())
        return {"spectral": self.spectral_norm, "inf_norm": self.inf_norm, "perron": perron}

    @property
    def proofs(self):
        """Names of what proves that there is one state for every input.

        ``"spectral"`` and ``"inf_norm"``, norms below one; ``"perron"``, a Perron-Frobenius
        radius below one; ``"monotone"``, a positive :attr:`monotonicity`.
        """
        held = [name for name, factor in self.contraction.items() if factor < 1.0 - _ROUNDING]
        return (*held, *(("monotone",) if self.monotonicity > _ROUNDING else ()))

    @cached_property
    def certified(self):
        """Whether anything proves that there is one state for every input."""
        return np.isfinite(self.amplification)

    @cached_property
    def amplification(self):
        r"""Smallest proved :math:`a` with :math:`\|x - x^*\|_2 \le a \|x - (D x + b)_+\|_2`.

        From the first proof that holds of spectral norm, monotonicity and Perron-Frobenius radius;
        infinite where none does.
        """
        spread = float(np.sqrt(self.lam.max() / self.lam.min()))
        if self.spectral_norm < 1.0 - _ROUNDING:
            return spread / (1.0 - self.spectral_norm)
        if self.monotonicity > _ROUNDING:
            return spread * (1.0 + self._steepness) / self.monotonicity
        bounds = self._componentwise
        return np.inf if bounds is None else float(np.linalg.norm(bounds, 2))

    @cached_property
    def reflection(self):
        r"""Step :math:`\alpha` of Peaceman and Rachford with a proved rate.

        One where the norm :math:`\kappa` is below one, for a rate of
        :math:`\kappa / (2 - \kappa)`; otherwise the inverse of :math:`L = \|I - D\|_\Lambda`, for a
        rate of at most :math:`\sqrt{(L - \mu) / (L + \mu)}`.
        """
        return 1.0 if self.spectral_norm < 1.0 - _ROUNDING else 1.0 / self._steepness

    @cached_property
    def _steepness(self):
        """The norm of I - D in the metric."""
        return float(np.linalg.norm(np.eye(len(self.D)) - self._scaled, 2))

    @cached_property
    def _componentwise(self):
        """The inverse of I - |D| where it is nonnegative, which proves that the radius is < 1."""
        magnitudes = np.abs(self.D)
        try:
            inverse = np.linalg.inv(np.eye(len(magnitudes)) - magnitudes)
        except np.linalg.LinAlgError:
            return None
        weights = inverse.sum(axis=1)
        proved = np.isfinite(weights).all() and weights.min() > 0
        return inverse if proved and np.all(magnitudes @ weights < weights) else None

    def __repr__(self):
        proofs = ", ".join(self.proofs) or "nothing"
        return (
            f"Certificate({len(self.D)} units; norm {self.spectral_norm:.3g}, "
            f"monotonicity {self.monotonicity:.3g}; one state by {proofs})"
        )


def certify(D, lam=None):
    r"""Say what proves that :math:`x = (D x + b)_+` has one solution for every :math:`b`.

    Any of these does:

    .. math:: \|\Lambda^{1/2} D \Lambda^{-1/2}\|_2 < 1, \qquad \|D\|_\infty < 1, \qquad
              \rho(|D|) < 1, \qquad \Lambda D + D^T \Lambda \prec 2 \Lambda .

    Parameters
    ----------
    D : array_like, shape (h, h)
        Weights among the h hidden units.
    lam : array_like, shape (h,), optional
        Positive weights of the units, all one by default.

    Returns
    -------
    Certificate

    Raises
    ------
    ValueError
        When D is not square or `lam` is not positive.

    Notes
    -----
    Guarantee: a certificate is a proof. Without one there may still be one state for every input,
    where all principal minors of :math:`I - D` are positive.

    Cost: O(h^3) for each number, when it is first asked for.

    Chapter: :doc:`/chapters/learning/implicit_prediction_rules`

    References
    ----------
    L. El Ghaoui, F. Gu, B. Travacca, A. Askari and A. Tsai, "Implicit deep learning", SIAM Journal
    on Mathematics of Data Science 3, 2021, for the norms and the radius. E. Winston and J. Z.
    Kolter, "Monotone operator equilibrium networks", NeurIPS 2020, for monotonicity.

    Examples
    --------
    >>> import numpy as np
    >>> certify(np.array([[0.0, 5.0], [0.0, 0.0]])).proofs
    ('perron',)
    >>> certify(np.array([[0.3, 5.0], [-5.0, 0.3]])).proofs
    ('monotone',)
    """
    D = check_array("D", D, ndim=2)
    if D.shape[0] != D.shape[1]:
        raise ValueError(f"D must be square, one row and one column a unit, got shape {D.shape}.")
    return Certificate(D.copy(), unit_weights(lam, len(D)))


def unit_weights(lam, hidden):
    """Return positive weights of the hidden units, ones for None and a number for all of them."""
    if lam is None:
        return np.ones(hidden)
    weights = np.asarray(lam, dtype=float)
    if weights.shape not in ((), (hidden,)):
        raise ValueError(
            f"lam must be a number or have shape ({hidden},), one weight a unit, "
            f"got shape {weights.shape}."
        )
    check_entries("lam", weights)
    if weights.min() <= 0:
        raise ValueError(f"lam must be positive, got {weights.min():.3g}.")
    return np.broadcast_to(weights, hidden)


def _symmetric(matrix):
    return 0.5 * (matrix + matrix.T)
