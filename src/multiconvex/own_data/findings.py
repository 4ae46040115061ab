"""What may spoil a fit: each check looks at one thing and says it in a sentence."""

from dataclasses import dataclass
from hashlib import blake2b

import numpy as np

_ORDERS = 1e3  # scales of columns that differ by more are mentioned
_FENCE = 10.0  # interquartile ranges beyond the upper quartile
_FAR_SHARE = 1e-3  # a larger share beyond the fence is a heavy tail
_NOISE = 0.05  # negative entries down to this share of the largest may be noise around zero
_FEW = 10
_MARKS = (-99, -999, -9999, -99999, 9999, 99999)  # numbers that often stand for "missing"
_FAR_MARK = 3.0  # times as far from zero as every other entry
_NAMED = 5


@dataclass(frozen=True)
class Finding:
    """One thing to know before a fit.

    Attributes
    ----------
    kind : str
        Such as "missing" or "counts".
    level : {"problem", "caution", "hint"}
        A problem stops a fit or makes it meaningless, a caution may, a hint helps.
    sentence : str
        What was found.
    advice : str
        What to do.
    """

    kind: str
    level: str
    sentence: str
    advice: str


@dataclass(frozen=True, eq=False)
class Seen:
    """An array as the checks look at it.

    Attributes
    ----------
    array : ndarray
    table : ndarray, shape (rows, columns)
        The same numbers, columns along the last axis.
    finite : ndarray of bool, shape (rows, columns)
    """

    array: np.ndarray
    table: np.ndarray
    finite: np.ndarray

    @property
    def entries(self):
        """The finite numbers, as a vector."""
        return self.table[self.finite]

    @property
    def extremes(self):
        """The least and the largest finite number of each column."""
        return (
            np.where(self.finite, self.table, np.inf).min(axis=0),
            np.where(self.finite, self.table, -np.inf).max(axis=0),
        )


def missing(seen):
    nan, infinite = np.isnan(seen.table), np.isinf(seen.table)
    if infinite.any():
        yield Finding(
            "infinite",
            "problem",
            f"{_count(infinite.sum(), 'entry is', 'entries are')} infinite.",
            "Look for a division by zero or a logarithm of zero where these numbers were made.",
        )
    if nan.any():
        rows, columns = (np.flatnonzero(nan.any(axis=axis)) for axis in (1, 0))
        places = min(("row", rows), ("column", columns), key=lambda place: len(place[1]))
        yield Finding(
            "missing",
            "problem",
            f"{_count(nan.sum(), 'entry is', 'entries are')} missing "
            f"({short(100 * nan.mean())}%), in {_places(*places)}.",
            "Fits refuse missing entries: leave out these rows or columns or, for a factorisation, "
            "fill the gaps with fill_gaps(X, rank).",
        )


def marks(seen):
    sizes = np.abs(seen.entries)
    for mark in _MARKS:
        count = np.count_nonzero(seen.entries == mark)
        rest = sizes[seen.entries != mark]
        if count and rest.size and rest.max() * _FAR_MARK < abs(mark):
            yield Finding(
                "marks",
                "problem",
                f"{_count(count, 'entry is', 'entries are')} {mark}, far from all others: such "
                "numbers often stand for what was not measured.",
                f"If so, say that it is missing: X[X == {mark}] = np.nan.",
            )


def negative(seen):
    count = np.count_nonzero(seen.entries < 0)
    if not count:
        return
    low, high = seen.extremes
    noise = np.all(-low <= _NOISE * np.maximum(high, 0.0), where=low < 0)
    advice = (
        "If this is noise around zero, set them to zero with np.maximum(X, 0)."
        if noise
        else "Do not shift them away: choose a model without nonnegativity, or ask what a negative "
        "amount means in these data."
    )
    yield Finding(
        "negative",
        "caution",
        f"{_count(count, 'entry is', 'entries are')} negative, the lowest {short(low.min())}; "
        "nonnegative factorisations of matrices refuse them.",
        advice,
    )


def constant(seen):
    low, high = seen.extremes
    flat = np.flatnonzero(low == high)
    if flat.size and len(seen.table) > 1:
        yield Finding(
            "constant",
            "caution",
            f"{_places('column', flat, verb=('has', 'have'))} the same value in every row.",
            "Leave out such columns: they say nothing about how rows differ, and a component may "
            "be spent on them.",
        )


def empty(seen):
    rows = np.flatnonzero(~np.where(seen.finite, seen.table, 0.0).any(axis=1))
    if rows.size:
        yield Finding(
            "empty",
            "caution",
            f"{_places('row', rows, verb=('holds', 'hold'))} nothing but zeros.",
            "Leave out such rows, or find out why nothing was measured there.",
        )


def duplicated(seen):
    varying = np.flatnonzero((seen.table != seen.table[:1]).any(axis=0))
    first, copies = {}, []
    for k in varying:
        mark = blake2b(np.ascontiguousarray(seen.table[:, k] + 0.0)).digest()
        if first.setdefault(mark, k) != k:
            copies.append(k)
    if copies:
        yield Finding(
            "duplicate",
            "caution",
            f"{_places('column', copies, verb=('repeats', 'repeat'))} an earlier column exactly.",
            "Keep one of each, unless the repetition is meant: a column that stands twice counts "
            "twice.",
        )


def scales(seen):
    squares = np.where(seen.finite, seen.table, 0.0) ** 2
    sizes = np.sqrt(squares.sum(axis=0) / np.maximum(seen.finite.sum(axis=0), 1))
    present = np.flatnonzero(sizes)
    if present.size < 2:
        return
    large, small = present[sizes[present].argmax()], present[sizes[present].argmin()]
    if sizes[large] > _ORDERS * sizes[small]:
        yield Finding(
            "scales",
            "caution",
            f"Column {large} is typically {short(sizes[large] / sizes[small])} times as large as "
            f"column {small}: least squares will hardly see the small one.",
            "If columns are in different units, divide each by its own size first.",
        )


def counts(seen):
    entries = seen.entries
    if entries.min() < 0 or entries.max() < 2 or (entries != np.rint(entries)).any():
        return
    yield Finding(
        "counts",
        "hint",
        f"All entries are whole numbers, from {entries.min():.0f} to {entries.max():.0f}.",
        "If they count something, such as photons or words, the Kullback-Leibler loss suits them "
        'better than least squares: nmf(X, rank, loss="kullback-leibler").',
    )


def outlying(seen):
    sizes = np.abs(np.where(seen.finite, seen.table, 0.0))
    present = sizes[sizes > 0]
    if present.size < 20:
        return
    lower, upper = np.quantile(present, [0.25, 0.75])
    fence = upper + _FENCE * (upper - lower)
    far = np.argwhere(sizes > fence)
    if upper > lower and 0 < len(far) <= max(1, _FAR_SHARE * present.size):
        order = np.argsort(-sizes[tuple(far.T)], kind="stable")[:3]
        named = ", ".join(
            f"{short(seen.table[i, j])} in row {i}, column {j}" for i, j in far[order]
        )
        rest = f" and {len(far) - 3} more" if len(far) > 3 else ""
        yield Finding(
            "outliers",
            "caution",
            f"{_count(len(far), 'entry lies', 'entries lie')} far from all others: {named}{rest}.",
            "Least squares will follow them. Check them against the source, and correct errors or "
            "leave out their rows.",
        )


def shape(seen):
    sides = seen.array.shape
    if min(sides) < _FEW:
        axis = int(np.argmin(sides))
        what = ("row", "column")[axis] if len(sides) == 2 else f"slice along axis {axis}"
        several = what.replace("slice", "slices") if " " in what else f"{what}s"
        number = f"is only one {what}" if min(sides) == 1 else f"are only {min(sides)} {several}"
        affordable = max(1, (seen.array.size - 1) // sum(sides))
        yield Finding(
            "few",
            "caution",
            f"There {number}. A model with r components has r × {sum(sides)} "
            f"numbers to find, and the data hold {seen.array.size}.",
            f"Choose a small number of components, at most {affordable}, and trust none before it "
            "comes back from other starts.",
        )


def misread(seen):
    if seen.array.ndim != 2:
        return
    for name, lines in (("row", seen.table), ("column", seen.table.T)):
        if len(lines) > 2 and _is_even(lines[0]) and not _is_even(lines[1]):
            yield Finding(
                "positions",
                "caution",
                f"The first {name} rises in equal steps, from {short(lines[0][0])} to "
                f"{short(lines[0][-1])}.",
                f"If these are positions and no measurements, leave them out: "
                f"X = {'X[1:]' if name == 'row' else 'X[:, 1:]'}.",
            )


CHECKS = (
    missing, marks, negative, misread, constant, empty, duplicated, scales, outlying, shape, counts,
)  # fmt: skip


def short(value):
    """A number with three digits, without an exponent where one can do without.

    Examples
    --------
    >>> short(52_345.0), short(0.01234), short(-3.0), short(2.5e9)
    ('52300', '0.0123', '-3', '2.5e+09')
    """
    return f"{float(f'{value:.3g}'):g}"


def _is_even(line):
    """Whether numbers rise in equal steps."""
    steps = np.diff(line)
    return len(steps) > 3 and steps[0] > 0 and np.allclose(steps, steps[0], rtol=0.01, atol=0.0)


def _count(number, one, several):
    return f"{number} {one if number == 1 else several}"


def _places(what, numbers, verb=("", "")):
    """Which rows or columns, with the verb that follows them."""
    shown = [str(number) for number in numbers[:_NAMED]]
    if len(numbers) > _NAMED:
        where = f"{len(numbers)} {what}s ({', '.join(shown)}, …)"
    elif len(shown) > 1:
        where = f"{what}s {', '.join(shown[:-1])} and {shown[-1]}"
    else:
        where = f"{what} {shown[0]}"
    end = f" {verb[len(numbers) > 1]}" if verb[0] else ""
    return (where[0].upper() + where[1:] if end else where) + end
