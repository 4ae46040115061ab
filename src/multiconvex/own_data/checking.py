"""What an array looks like before a fit, in plain words."""

import html
from dataclasses import dataclass

import numpy as np

from multiconvex.own_data.findings import CHECKS, Seen, short

_COLORS = {"problem": "--mbx-c1,#b83408", "caution": "--mbx-c4,#b5850b", "hint": "--mbx-c2,#0a6847"}
_ORDER = tuple(_COLORS)


@dataclass(frozen=True)
class DataReport:
    """What was found in an array; see :func:`inspect_array`.

    Attributes
    ----------
    shape : tuple of int
    minimum, median, maximum : float
        Of the finite entries.
    zeros : float
        Share of the entries that are zero.
    findings : tuple
        What to know before a fit, problems first. Each has a ``kind``, a ``level`` ("problem",
        "caution" or "hint"), a ``sentence`` and an ``advice``.
    """

    shape: tuple
    minimum: float
    median: float
    maximum: float
    zeros: float
    findings: tuple

    @property
    def has_problems(self):
        """Whether a fit would be refused or meaningless."""
        return any(finding.level == "problem" for finding in self.findings)

    @property
    def kinds(self):
        """The kinds of all findings."""
        return tuple(finding.kind for finding in self.findings)

    @property
    def summary(self):
        """Shape and range in a sentence."""
        sides = " × ".join(map(str, self.shape))
        return (
            f"{sides} numbers from {short(self.minimum)} to {short(self.maximum)}, median "
            f"{short(self.median)}, {100 * self.zeros:.0f}% zeros."
        )

    def __repr__(self):
        lines = [self.summary]
        lines += [f"{f.level}: {f.sentence} {f.advice}" for f in self.findings]
        return "\n".join(lines if self.findings else [*lines, "Nothing unusual was found."])

    def _repr_markdown_(self):
        lines = [f"- **{f.level}**: {f.sentence} *{f.advice}*" for f in self.findings]
        return "\n".join([self.summary, "", *(lines or ["Nothing unusual was found."])])

    def _repr_html_(self):
        items = "".join(
            f'<li style="border-left:0.25rem solid var({_COLORS[f.level]});margin:0.5rem 0;'
            f'padding-left:0.75rem"><strong>{f.level.capitalize()}.</strong> '
            f"{html.escape(f.sentence)} <em>{html.escape(f.advice)}</em></li>"
            for f in self.findings
        )
        found = f'<ul style="list-style:none;padding-left:0">{items}</ul>'
        nothing = "<p>Nothing unusual was found.</p>"
        return f"<p>{html.escape(self.summary)}</p>{found if items else nothing}"


def inspect_array(X):
    r"""Look for what would spoil a fit, and say it in plain words.

    Looked for are missing and infinite entries; negative ones; columns that are constant or
    repeated, or on scales that differ by more than :math:`10^3`; rows of zeros; a heading or an
    index that was read as data; too few rows for many components; whole numbers, which may be
    counts; and outliers: with :math:`Q_1, Q_3` the quartiles of the magnitudes that are not zero,
    entries beyond

    .. math:: Q_3 + 10 \, (Q_3 - Q_1),

    as long as they are at most one in a thousand (more are a heavy tail).

    Parameters
    ----------
    X : array of two or more axes
        May have NaN. Columns are taken along the last axis, rows along all others.

    Returns
    -------
    DataReport

    Raises
    ------
    TypeError
        For what is not a dense array of real numbers.
    ValueError
        For a vector, or an array without a finite entry.

    Examples
    --------
    >>> import numpy as np
    >>> from multiconvex import inspect_array
    >>> X = np.arange(60.0).reshape(12, 5) ** 1.5
    >>> X[3, 2] = np.nan
    >>> inspect_array(X).findings[0].sentence
    '1 entry is missing (1.67%), in row 3.'
    """
    try:
        array = np.asarray(X)
        array = array if array.dtype.kind == "f" else array.astype(float)
    except (TypeError, ValueError) as error:
        raise TypeError(f"X must be a dense array of real numbers: {error}.") from error
    if array.ndim < 2:
        raise ValueError(
            f"X must have two or more axes, got shape {array.shape}: a model needs rows and "
            "columns."
        )
    table = array.reshape(-1, array.shape[-1])
    seen = Seen(array, table, np.isfinite(table))
    entries = seen.entries
    if entries.size == 0:
        raise ValueError(
            f"X of shape {array.shape} has no finite entry: check how the file was read."
        )
    found = [finding for check in CHECKS for finding in check(seen)]
    return DataReport(
        shape=array.shape,
        minimum=float(entries.min()),
        median=float(np.median(entries)),
        maximum=float(entries.max()),
        zeros=float(np.mean(entries == 0)),
        findings=tuple(sorted(found, key=lambda finding: _ORDER.index(finding.level))),
    )
