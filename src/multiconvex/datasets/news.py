"""Counts of words in articles: the BBC news of two years, and a simulator of such counts."""

import zipfile
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from multiconvex.checks import check_count

from ._errors import DataCorrupted
from ._files import fetch
from .fetched import _provenance
from .types import Dataset

_SHAPE = (9635, 2225)


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class TermCounts(Dataset):
    """How often each term occurs in each document.

    Attributes
    ----------
    counts : scipy.sparse.csr_array of shape (terms, documents)
    terms : ndarray of str
    labels : ndarray of shape (documents,), int
        Class of each document, an index into `names`.
    names : tuple of str
        Classes.
    """

    counts: sp.csr_array
    terms: np.ndarray
    labels: np.ndarray
    names: tuple


def load_bbc():
    """News of the BBC from 2004 and 2005, in five classes.

    Returns
    -------
    TermCounts
        `counts` of shape (9635, 2225), of which 1.3% are not zero. Terms are stemmed, without stop
        words and without those that occur less than three times.

    Raises
    ------
    DataUnavailable
        When the file is not on this machine and cannot be fetched.
    """
    from scipy.io import mmread

    path = fetch("bbc")
    with zipfile.ZipFile(path) as archive:
        with archive.open("bbc.mtx") as file:
            counts = sp.csr_array(mmread(file))
        terms = archive.read("bbc.terms").decode().split()
        classes = [name.partition(".")[0] for name in archive.read("bbc.docs").decode().split()]
    if counts.shape != _SHAPE or (len(terms), len(classes)) != _SHAPE:
        raise DataCorrupted(f"{path} does not hold {_SHAPE[0]} terms of {_SHAPE[1]} documents")
    names, labels = np.unique(classes, return_inverse=True)
    return TermCounts(
        name="BBC news",
        units="occurrences",
        **_provenance("bbc"),
        counts=counts,
        terms=np.array(terms),
        labels=labels,
        names=tuple(names.tolist()),
    )


def make_news(terms=9635, documents=2225, *, topics=5, words=150.0, random_state=None):
    """Documents about one main topic each, with words drawn from the words of its topics.

    Parameters
    ----------
    terms, documents, topics : int
    words : float
        Mean number of words of a document.
    random_state : None, int or numpy.random.Generator

    Returns
    -------
    TermCounts

    Examples
    --------
    >>> news = make_news(300, 40, topics=3, words=50.0, random_state=0)
    >>> news.counts.shape, len(news.names), bool(news.counts.sum() > 1500)
    ((300, 40), 3, True)
    """
    sizes = terms, documents, topics
    terms, documents, topics = map(check_count, ("terms", "documents", "topics"), sizes)
    rng = np.random.default_rng(random_state)
    vocabulary = rng.dirichlet(np.full(terms, 0.05), size=topics) + 1e-12
    vocabulary /= vocabulary.sum(axis=1, keepdims=True)
    labels = rng.integers(topics, size=documents)
    shares = rng.dirichlet(np.full(topics, 0.1), size=documents) + 2.0 * np.eye(topics)[labels]
    lengths = rng.poisson(words * rng.lognormal(0.0, 0.4, documents))
    columns = [
        rng.multinomial(length, share @ vocabulary / (share @ vocabulary).sum())
        for length, share in zip(lengths, shares)
    ]
    return TermCounts(
        name="simulated news",
        units="occurrences",
        citation="simulated",
        licence="none needed",
        source="multiconvex.datasets.make_news",
        origin="simulated",
        counts=sp.csr_array(np.stack(columns, axis=1).astype(float)),
        terms=np.array([f"term {i}" for i in range(terms)]),
        labels=labels,
        names=tuple(f"topic {k + 1}" for k in range(topics)),
    )
