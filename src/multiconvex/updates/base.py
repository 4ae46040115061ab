"""What every update offers."""

from abc import ABC, abstractmethod
from typing import ClassVar


class Update(ABC):
    """A rule that improves one block while the others stay fixed.

    Subclasses are frozen dataclasses of options.

    Attributes
    ----------
    requires : tuple of str
        Capabilities the problem must offer, by method name.
    handles : tuple of type or None
        Penalties the rule honours; None for any penalty with a prox.
    exact : bool
        Whether one call solves the block.
    """

    requires: ClassVar[tuple[str, ...]] = ()
    handles: ClassVar[tuple[type, ...] | None] = None
    exact: ClassVar[bool] = False

    def start(self, problem, x, k):
        """Return the memory of the rule for block ``k`` at the start of a fit."""
        return None

    @abstractmethod
    def __call__(self, problem, x, k, memory):
        """Return the new block ``k`` and the new memory; ``x`` is never modified."""
