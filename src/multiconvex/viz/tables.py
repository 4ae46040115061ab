"""A table that scrolls by itself on a phone."""

import html
import re
from dataclasses import asdict, dataclass, is_dataclass
from numbers import Integral, Real


@dataclass(frozen=True)
class Table:
    """Rows with the same columns.

    Parameters
    ----------
    columns : tuple of str
    rows : tuple of tuples
    caption : str or None
    """

    columns: tuple
    rows: tuple
    caption: str | None = None

    def _repr_html_(self):
        numeric = [
            all(row[k] is None or isinstance(row[k], Real) for row in self.rows)
            for k in range(len(self.columns))
        ]
        align = ["right" if number else "left" for number in numeric]
        heads = "".join(
            f'<th scope="col" style="text-align:{side}">{html.escape(name)}</th>'
            for name, side in zip(self.columns, align)
        )
        body = "".join(
            "<tr>"
            + "".join(
                f'<td style="text-align:{side}">{_cell(value)}</td>'
                for value, side in zip(row, align)
            )
            + "</tr>"
            for row in self.rows
        )
        caption = f"<caption>{html.escape(self.caption)}</caption>" if self.caption else ""
        name = html.escape(self.caption or f"Table of {', '.join(self.columns)}", quote=True)
        return (
            f'<div class="mbx-table" role="region" tabindex="0" aria-label="{name}" '
            'style="overflow-x:auto">'
            f'<table class="table">{caption}<thead><tr>{heads}</tr></thead>'
            f"<tbody>{body}</tbody></table></div>"
        )

    def __repr__(self):
        lines = [self.columns, *(tuple(map(format_value, row)) for row in self.rows)]
        widths = [max(len(line[k]) for line in lines) for k in range(len(self.columns))]
        return "\n".join(
            "  ".join(text.ljust(width) for text, width in zip(line, widths)).rstrip()
            for line in lines
        )


def table(rows, *, caption=None):
    """A table from dictionaries or dataclasses with the same fields, their names as words.

    Names of people and acronyms get their capitals.

    Examples
    --------
    >>> table([{"method": "HALS", "final_gap": 1.2e-7, "sweeps": 40}])
    method  final gap   sweeps
    HALS    1.2 × 10⁻⁷  40
    """
    records = [asdict(row) if is_dataclass(row) else dict(row) for row in rows]
    if not records:
        raise ValueError("rows is empty: a table needs at least one row")
    columns = tuple(records[0])
    for number, record in enumerate(records):
        if tuple(record) != columns:
            raise ValueError(f"row {number} has columns {tuple(record)}, expected {columns}")
    heads = tuple(
        " ".join(_NAMES.get(word, word) for word in re.split("[_ ]", name)) for name in columns
    )
    return Table(heads, tuple(tuple(record.values()) for record in records), caption)


def format_value(value):
    """Text of a cell: three significant digits, powers of ten written out.

    Examples
    --------
    >>> format_value(1234567), format_value(-0.03125), format_value(2e-9), format_value(None)
    ('1\\u202f234\\u202f567', '−0.0312', '2 × 10⁻⁹', '–')
    """
    if value is None:
        return "\N{EN DASH}"
    if isinstance(value, bool) or not isinstance(value, Real):
        return str(value)
    if isinstance(value, Integral):
        text = f"{value:,}" if abs(value) >= 10_000 else str(value)
        return text.replace(",", "\N{NARROW NO-BREAK SPACE}").replace("-", "\N{MINUS SIGN}")
    if value != value:
        return "\N{EN DASH}"
    if value in (float("inf"), float("-inf")):
        return "\N{INFINITY}" if value > 0 else "\N{MINUS SIGN}\N{INFINITY}"
    mantissa, _, exponent = f"{value:.3g}".partition("e")
    power = f" × 10{str(int(exponent)).translate(_SUPERSCRIPT)}" if exponent else ""
    return mantissa.replace("-", "\N{MINUS SIGN}") + power


def _cell(value):
    """Text of a cell; what is short stays on one line."""
    text = format_value(value)
    return html.escape(text if len(text) > 20 else text.replace(" ", "\N{NO-BREAK SPACE}"))


# Words of a field that are written in another way.
_NAMES = {
    "anderson": "Anderson",
    "cp": "CP",
    "kappa": "κ",
    "peaceman": "Peaceman",
    "picard": "Picard",
    "rachford": "Rachford",
    "rand": "Rand",
    "rmse": "RMSE",
}
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
