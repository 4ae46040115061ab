"""What results of factor models share."""

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np

from multiconvex.balancing import component_sizes
from multiconvex.trace import Result

_NEGLIGIBLE = 1e-8


@dataclass(frozen=True, repr=False)
class Factorization(Result):
    """A sum of rank-one terms, some of which a penalty may have pruned."""

    @property
    @abstractmethod
    def factors(self):
        """Factor matrices, of shapes (n_k, rank), one for each mode."""

    @property
    def component_sizes(self):
        """Frobenius norm of each rank-one term, shape (rank,)."""
        return component_sizes(self.factors)

    @property
    def n_active(self):
        """Number of rank-one terms that are not zero: those that penalties left.

        With ridge on both factors of a matrix two parallel terms cost what their sum costs, so
        that the rank of the model may be lower.
        """
        return int(np.count_nonzero(self._active))

    def pruned(self):
        """Return the factors without the terms that are zero."""
        return tuple(factor[:, self._active] for factor in self.factors)

    @property
    def _active(self):
        sizes = self.component_sizes
        return sizes > _NEGLIGIBLE * sizes.max(initial=0.0)
