"""Tables of numbers in text files, with or without names of rows and columns."""

import csv
import re
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from multiconvex.own_data.limits import check_size

_MISSING = {"", "na", "n/a", "nan", "null", "none", "-", "?"}
_QUOTED = re.compile(r'"[^"]*"')
_POSITIONS = 5  # numbers that increase without exception, from which on they are a heading


class Table(NamedTuple):
    """Numbers of shape (m, n) and the names beside and above them, empty where there are none."""

    values: np.ndarray
    rows: tuple
    columns: tuple


def read_table(path):
    """Read a text file of numbers whose cells are separated by tabs, semicolons, commas or blanks.

    Empty cells and ``NA`` become NaN, lines that start with ``#`` are skipped. Where semicolons
    separate, commas are decimal points.
    """
    check_size(path, path.stat().st_size / 2)
    lines, separator = _lines(path)
    if not lines:
        raise ValueError(f"{path.name} is empty: save the table again and check that it has rows.")
    heading = _is_heading(lines, separator)
    header, body = (lines[0][1], lines[1:]) if heading else ([], lines)
    if not body:
        raise ValueError(f"{path.name} has a heading and no rows: save the table with its numbers.")
    named = _names_rows(header, body[0][1], separator)
    width = len(body[0][1])
    if header and len(header) == width - 1:
        header = ["", *header]
    if header and len(header) != width:
        raise ValueError(
            f"{path.name} has {len(header)} names in its heading and {width} cells in line "
            f"{body[0][0]}: give every column a name, or remove the heading."
        )
    values = np.empty((len(body), width - named))
    for i, (line, cells) in enumerate(body):
        if len(cells) != width:
            raise ValueError(
                f"Line {line} of {path.name} has {len(cells)} cells where {width} were expected: "
                "complete the line, or check that no cell contains the separator."
            )
        for j, cell in enumerate(cells[named:]):
            values[i, j] = _number_at(path, line, j + named, cell, header, separator)
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
    return bool(line.strip(" \t\r\n,;")) and not line.lstrip().startswith("#")


def _separator(path, line):
    bare = _QUOTED.sub("", line)
    if path.suffix.lower() in (".tsv", ".tab") or "\t" in bare:
        return "\t"
    return next((mark for mark in ";," if mark in bare), None)


def _is_heading(lines, separator):
    """Whether the first line names the columns.

    It does where it has text beyond its first cell, where it starts with text above a number, or
    with nothing above text. Otherwise it may be a row with its name, unless its numbers are
    positions: they all increase, or all decrease.
    """
    cells = lines[0][1]
    values = [_number(cell, separator) for cell in cells]
    text = values[0] is None
    if None in values[1:] or len(cells) == 1:
        return None in values
    if (cells[0].strip() and not text) or len(lines) == 1:
        return False
    below_is_text = _number(lines[1][1][0], separator) is None
    steps = [right - left for left, right in pairwise(values[1:])]
    ordered = all(step > 0 for step in steps) or all(step < 0 for step in steps)
    return text != below_is_text or (ordered and len(values) > _POSITIONS)


def _names_rows(header, cells, separator):
    """Whether the first column holds names: it is text, or the heading leaves its place empty."""
    corner = bool(header) and (len(header) == len(cells) - 1 or not header[0].strip())
    return len(cells) > 1 and (corner or _number(cells[0], separator) is None)


def _number(cell, separator):
    """The number in a cell, NaN where it is missing, None where it is text."""
    text = cell.strip()
    if text.lower() in _MISSING:
        return float("nan")
    if separator == ";":
        text = text.replace(",", ".")
    try:
        return None if "_" in text else float(text)
    except ValueError:
        return None


def _number_at(path, line, column, cell, header, separator):
    value = _number(cell, separator)
    if value is None:
        name = f" ({header[column].strip()!r})" if header else ""
        raise ValueError(
            f"Line {line}, column {column + 1}{name} of {path.name} holds {cell.strip()!r} where a "
            "number was expected: correct the cell, or leave it empty where the value is missing."
        )
    return value


def _without_blank_end(table):
    """Drop the last column where every line ends with a separator and nothing after it."""
    named = bool(table.columns) and bool(table.columns[-1])
    if named or table.values.shape[1] < 2 or not np.isnan(table.values[:, -1]).all():
        return table
    return Table(table.values[:, :-1].copy(), table.rows, table.columns[:-1])
