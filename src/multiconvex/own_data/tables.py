"""Tables of numbers in text files, with or without names of rows and columns."""

import csv
import math
import re
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from multiconvex.own_data.limits import check_size

_MISSING = {"", "na", "n/a", "#n/a", "<na>", "nan", "null", "none", "-", "?", "."}
_QUOTED = re.compile(r'"[^"]*"')
_DECLARED = re.compile(r'"?sep=.?"?', re.IGNORECASE)  # how spreadsheets announce a separator
_TYPESET = str.maketrans({"\N{MINUS SIGN}": "-", "\N{NO-BREAK SPACE}": "", "\u202f": ""})
_OTHERWISE = re.compile(r"[-+]? ?[$€£¥]? ?(\d{1,3}([., ']\d{3})+|\d+)([.,]\d+)? ?[%$€£¥]?")
_POSITIONS = 5  # numbers that increase without exception, from which on they are a heading


class Table(NamedTuple):
    """Numbers of shape (m, n) and the names beside and above them, empty where there are none."""

    values: np.ndarray
    rows: tuple
    columns: tuple


def read_table(path):
    """Read a text file of numbers, cell by cell.

    Cells are separated by tabs, semicolons, bars, commas or blanks. Empty cells and ``NA`` become
    NaN, lines that start with ``#`` are skipped. Where semicolons separate, commas are decimal
    points. A number in another notation, such as ``$1`` or ``1.234,5``, is refused: it must not be
    taken for a name.
    """
    check_size(path, path.stat().st_size / 2)
    lines, separator = _lines(path)
    if not lines:
        raise ValueError(f"{path.name} is empty: save the table again and check that it has rows.")
    heading = _is_heading(lines, separator)
    header, body = (lines[0][1], lines[1:]) if heading else ([], lines)
    if not body:
        raise ValueError(f"{path.name} has a heading and no rows: save the table with its numbers.")
    named = _names_rows(header, [cells for _, cells in body], separator)
    width = len(body[0][1])
    if header and len(header) == width - 1:
        header = ["", *header]
    if header and len(header) != width:
        raise ValueError(
            f"{path.name} has {len(header)} names in its heading and {width} cells in line "
            f"{body[0][0]}: give every column a name, remove the heading, or put # before a title."
        )
    values = np.empty((len(body), width - named))
    for i, (line, cells) in enumerate(body):
        if len(cells) != width:
            raise ValueError(
                f"Line {line} of {path.name} has {len(cells)} cells where {width} were expected: "
                "complete the line, or check that no cell contains the separator."
            )
        for j, cell in enumerate(cells[named:], start=named):
            value = _number(cell, separator)
            if value is None:
                column = [(n, row[j]) for n, row in body if j < len(row)]
                raise ValueError(_no_number(path, line, j, column, header, separator))
            values[i, j - named] = value
    if separator == ";":
        _refuse_two_points(path, [(line, cells[named:]) for line, cells in body])
    rows = tuple(cells[0].strip() for _, cells in body) if named else ()
    columns = tuple(name.strip() for name in header[named:])
    return _without_blank_end(Table(values, rows, columns))


def _lines(path):
    """Line numbers with cells, and the separator; None stands for blanks."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = next((line for line in file if _counts(line)), "")
            separator = _separator(path, first)
            file.seek(0)
            if separator is None:
                found = [(n, text.split()) for n, text in enumerate(file, 1) if _counts(text)]
                return found, separator
            reader = csv.reader(file, delimiter=separator)
            found = [(reader.line_num, cells) for cells in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(
            f"{path.name} is not a table in plain text ({error}): save it as CSV in UTF-8."
        ) from error
    return [(n, cells) for n, cells in found if _counts(separator.join(cells))], separator


def _counts(line):
    text = line.strip()
    remark = text.startswith("#") and not text.lower().startswith("#n/a")
    return bool(text.strip("\t,;| ")) and not remark and not _DECLARED.fullmatch(text)


def _separator(path, line):
    bare = _QUOTED.sub("", line)
    if path.suffix.lower() in (".tsv", ".tab") or "\t" in bare:
        return "\t"
    return next((mark for mark in ";|," if mark in bare), None)


def _is_heading(lines, separator):
    """Whether the first line names the columns.

    It does where it has text beyond its first cell, where it starts with text above a number, or
    with nothing above text. Otherwise it may be a row with its name, unless its numbers are
    positions: they all increase, or all decrease. Numbers in another notation are no names.
    """
    cells = lines[0][1]
    values = [_number(cell, separator) for cell in cells]
    text = values[0] is None
    odd = [cell for cell, value in zip(cells, values) if value is None]
    if odd and cells[0].strip() and all(map(_is_otherwise, odd)):
        return False
    if None in values[1:] or len(cells) == 1:
        return None in values
    if (cells[0].strip() and not text) or len(lines) == 1:
        return False
    below_is_text = _number(lines[1][1][0], separator) is None
    steps = [right - left for left, right in pairwise(values[1:])]
    ordered = all(step > 0 for step in steps) or all(step < 0 for step in steps)
    return text != below_is_text or (ordered and len(values) > _POSITIONS)


def _names_rows(header, rows, separator):
    """Whether the first column holds names: the heading leaves its place empty, or all is text."""
    width = len(rows[0])
    if width == 1:
        return False
    if header and (len(header) == width - 1 or not header[0].strip()):
        return True
    values = [(cells[0], _number(cells[0], separator)) for cells in rows]
    return all(
        value is None and not _is_otherwise(cell)
        for cell, value in values
        if value is None or not math.isnan(value)
    ) and any(value is None for _, value in values)


def _number(cell, separator):
    """The number in a cell, NaN where it is missing, None where it is text."""
    text = cell.strip().translate(_TYPESET)
    if text.lower() in _MISSING:
        return float("nan")
    if separator == ";":
        text = text.replace(",", ".")
    try:
        return None if "_" in text else float(text)
    except ValueError:
        return None


def _is_otherwise(cell):
    """Whether a cell is a number in a notation that is not read: a currency, digits in groups."""
    return _OTHERWISE.fullmatch(cell.strip().translate(_TYPESET)) is not None


def _no_number(path, line, place, column, header, separator):
    """Say which cell is no number, and what to do about it."""
    cell = dict(column)[line].strip()
    name = f" ({header[place].strip()!r})" if header else ""
    values = [_number(text, separator) for _, text in column]
    if _is_otherwise(cell):
        advice = "write it with a decimal point and nothing else, or put semicolons between cells"
        advice += " and leave the decimal commas"
    elif all(value is None or math.isnan(value) for value in values):
        advice = "leave this column out, or make it the first one, which may name the rows"
    elif place == 0:
        advice = "correct the cell, or leave the heading of the column empty if it names the rows"
    else:
        advice = "correct the cell, or leave it empty where the value is missing"
    return (
        f"Line {line}, column {place + 1}{name} of {path.name} holds {cell!r} where a number was "
        f"expected: {advice}."
    )


def _refuse_two_points(path, body):
    """Refuse a table where both commas and points may be decimal: one of them is not."""
    found = {}
    for line, cells in body:
        for mark in {",", "."} - set(found):
            if any(mark in cell for cell in cells):
                found[mark] = line
    if len(found) == 2:
        raise ValueError(
            f"{path.name} has numbers with a comma in line {found[',']} and with a point in line "
            f"{found['.']}, and one of them does not mark decimals: write all numbers alike."
        )


def _without_blank_end(table):
    """Drop the last column where every line ends with a separator and nothing after it."""
    named = bool(table.columns) and bool(table.columns[-1])
    if named or table.values.shape[1] < 2 or not np.isnan(table.values[:, -1]).all():
        return table
    return Table(table.values[:, :-1].copy(), table.rows, table.columns[:-1])
