"""Layer 2, tables of text: proteins of mice, and attributes of animals."""

import csv

import numpy as np

from ._errors import DataCorrupted
from ._files import fetch
from .fetched import _checked, _provenance
from .groups import AnimalAttributes, ProteinExpression


def load_mice_protein():
    """Levels of 77 proteins in the cortex of mice, some of them a model of Down syndrome.

    Returns
    -------
    ProteinExpression
        `levels` of shape (1080, 77): 15 measurements of each of 72 mice, in eight classes. 1396
        levels are missing, most of them of five proteins in whole mice. The one level below zero
        is kept as it was published.

    Raises
    ------
    DataUnavailable
        When the file is not on this machine and cannot be fetched.
    """
    path = fetch("mice_protein")
    with open(path, encoding="utf-8-sig", newline=None) as file:
        header, *rows = csv.reader(file)
    if len(header) != 82 or len(rows) != 1080:
        raise DataCorrupted(f"{path} is not a table of 1080 rows and 82 columns")
    names = tuple(sorted({row[-1] for row in rows}))
    return ProteinExpression(
        name="mouse proteins",
        units="expression, normalised intensity",
        **_provenance("mice_protein"),
        levels=np.array([[float(cell or "nan") for cell in row[1:78]] for row in rows]),
        proteins=tuple(name.removesuffix("_N") for name in header[1:78]),
        mouse=np.array([row[0].rpartition("_")[0] for row in rows]),
        labels=np.array([names.index(row[-1]) for row in rows]),
        names=names,
    )


def load_animals():
    """Fifty animals and 85 attributes, from the answers of people.

    Returns
    -------
    AnimalAttributes
        `binary` and `strength` of shape (50, 85). Four strengths of the first animal are missing.

    Raises
    ------
    DataUnavailable
        When a file is not on this machine and cannot be fetched.
    """
    strength = _matrix("animals.strength", (50, 85))
    return AnimalAttributes(
        name="animals with attributes",
        units="attributes: yes or no, and strength from 0 to 100",
        **_provenance("animals"),
        binary=_matrix("animals", (50, 85)),
        strength=np.where(strength < 0, np.nan, strength),
        animals=_numbered_names("animals.classes"),
        attributes=_numbered_names("animals.predicates"),
    )


def _matrix(key, shape):
    path = fetch(key)
    return _checked(path, {key: np.loadtxt(path)}, {key: shape})[key]


def _numbered_names(key):
    """Names of a file whose lines are a number and a name."""
    lines = fetch(key).read_text(encoding="utf-8").split("\n")
    return tuple(line.split()[1].replace("+", " ") for line in lines if line.strip())
