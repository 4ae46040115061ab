"""Counts of words: what was published is what is read, and the stand-in is of the same kind."""

from dataclasses import replace

import numpy as np
import pytest

from multiconvex import datasets
from multiconvex.datasets import DataCorrupted, DataUnavailable, _files, news


def test_the_news_are_those_that_were_published(shared):
    bbc = datasets.load_bbc()
    assert bbc.counts.shape == (9635, 2225)
    assert bbc.counts.nnz == 286_774
    assert bbc.counts.data.min() >= 1.0
    assert bbc.names == ("business", "entertainment", "politics", "sport", "tech")
    np.testing.assert_array_equal(np.bincount(bbc.labels), [510, 386, 417, 511, 401])
    assert bbc.terms[:3].tolist() == ["ad", "sale", "boost"]


def test_terms_tell_classes_apart(shared):
    bbc = datasets.load_bbc()
    share = bbc.counts / bbc.counts.sum(axis=0)
    for term, name in (("film", "entertainment"), ("labour", "politics"), ("softwar", "tech")):
        row = share[[int(np.flatnonzero(bbc.terms == term)[0])]].toarray()[0]
        means = [row[bbc.labels == k].mean() for k in range(5)]
        assert bbc.names[int(np.argmax(means))] == name


def test_another_archive_is_refused(monkeypatch, shared):
    monkeypatch.setattr(news, "_SHAPE", (9635, 2226))
    with pytest.raises(DataCorrupted, match="does not hold 9635 terms of 2226 documents"):
        datasets.load_bbc()


def test_what_cannot_be_fetched_is_simulated_and_says_so(monkeypatch, tmp_path):
    monkeypatch.setenv("MULTICONVEX_DATA", str(tmp_path))
    monkeypatch.setattr(_files, "cache_folder", lambda: tmp_path)
    away = replace(_files.FILES["bbc"], url="http://127.0.0.1:9/bbc.zip")
    monkeypatch.setitem(_files.FILES, "bbc", away)
    with pytest.raises(DataUnavailable, match="make_news"):
        datasets.load_bbc()
    assert "simulated data of the same shape" in datasets.load_or_simulate("bbc").note


def test_simulated_news_are_sparse_counts_that_follow_their_topics():
    made = datasets.make_news(2000, 300, topics=4, random_state=0)
    assert made.counts.shape == (2000, 300)
    assert made.counts.nnz < 0.1 * 2000 * 300
    assert np.all(made.counts.data % 1 == 0)
    share = (made.counts / made.counts.sum(axis=0)).toarray()
    centres = np.stack([share[:, made.labels == k].mean(axis=1) for k in range(4)], axis=1)
    nearest = ((share[:, :, None] - centres[:, None, :]) ** 2).sum(axis=0).argmin(axis=1)
    assert np.mean(nearest == made.labels) > 0.9
    np.testing.assert_allclose(made.counts.sum() / 300, 150.0 * np.exp(0.08), rtol=0.1)
    again = datasets.make_news(2000, 300, topics=4, random_state=0)
    assert (made.counts != again.counts).nnz == 0


def test_impossible_sizes_are_refused():
    with pytest.raises(ValueError, match="topics must be an integer"):
        datasets.make_news(topics=0)
