"""Whether several starts find the same components, not only the same objective."""

from dataclasses import dataclass

import numpy as np

from multiconvex.diagnostics import match_components

_HOLDERS = ("factors", "z", "theta")


@dataclass(frozen=True, eq=False)
class Stability:
    """How alike the components of several fits are.

    Attributes
    ----------
    similarity : ndarray, shape (n_others, rank)
        Of each component of the best fit and its counterpart in another one, in [0, 1].
    gaps : ndarray, shape (n_others,)
        How much of the descent each other fit missed, as in :attr:`multiconvex.Starts.gaps`.
    """

    similarity: np.ndarray
    gaps: np.ndarray

    @property
    def components(self):
        """Median similarity of each component, shape (rank,); NaN without another fit."""
        if not len(self.similarity):
            return np.full(self.similarity.shape[1], np.nan)
        return np.median(self.similarity, axis=0)

    @property
    def overall(self):
        """Mean of `components`: 1 when all fits agree."""
        return float(self.components.mean())

    def __repr__(self):
        if not len(self.similarity):
            return "Stability(no other finished fit to compare with)"
        shown = ", ".join(f"{value:.2f}" for value in self.components)
        return f"Stability(over {len(self.similarity)} other fits: {shown})"


def stability(starts, *, components=None):
    r"""Compare the components of several fits of one model, whatever their order and scale.

    Components of the best fit are matched with those of every other one, so that the total of

    .. math:: s_{qp} = \prod_k \frac{|\langle a^{(k)}_q, b^{(k)}_p \rangle|}
              {\|a^{(k)}_q\| \|b^{(k)}_p\|}

    over the modes k is largest.

    Parameters
    ----------
    starts : Starts
        Fits that an interrupt left unfinished are not compared with the best one. Where there is
        no other, nothing is known of the stability, and the similarities are empty.
    components : callable, optional
        From a result to one matrix, or to several, with components in their columns. By default
        its factors; the weights ``z`` of latent factors; the memberships ``theta`` of groups.

    Returns
    -------
    Stability

    Raises
    ------
    TypeError
        If the results have no components that are known.

    Notes
    -----
    A fit with fewer components than the best one has no counterpart for some: their similarity
    is 0. Similar components do not prove that the model is unique, since all starts may lead to
    one of many solutions; different ones prove that it is not, or that some fits are stuck.

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import fit_starts, nmf, stability
    >>> X = np.random.default_rng(0).random((12, 2)) @ np.eye(2, 9)
    >>> def fit(random_state, callback):
    ...     return nmf(X, 2, init="random", random_state=random_state, callback=callback)
    >>> stability(fit_starts(fit, 4, random_state=0)).components.round(2)
    array([1., 1.])
    """
    reference, *others = starts.results
    kept = [k for k, result in enumerate(others, start=1) if result.status != "stopped"]
    components = components or _components
    target = _as_modes(components(reference))
    similarity = [_matched(_as_modes(components(starts.results[k])), target) for k in kept]
    shape = (len(kept), target[0].shape[1])
    return Stability(np.reshape(similarity, shape), starts.gaps[kept])


def _components(result):
    for name in _HOLDERS:
        if hasattr(result, name):
            return getattr(result, name)
    raise TypeError(
        f"stability does not know the components of {type(result).__name__}: pass components, a "
        "function from a result to a matrix with components in its columns."
    )


def _as_modes(components):
    if isinstance(components, np.ndarray):
        return (components,)
    return tuple(np.asarray(mode) for mode in components)


def _matched(modes, target):
    """Return the similarity of each target component, empty columns filling up the fewer."""
    rank = target[0].shape[1]
    width = max(rank, modes[0].shape[1])
    modes, target = ([_widened(mode, width) for mode in one] for one in (modes, target))
    return match_components(modes, target)[1][:rank]


def _widened(matrix, width):
    return np.pad(matrix, ((0, 0), (0, width - matrix.shape[1])))
