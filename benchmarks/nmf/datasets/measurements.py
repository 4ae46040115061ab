from typing import ClassVar

import numpy as np
from benchopt import BaseDataset

from multiconvex import Spectrogram
from multiconvex.datasets import load_kinetic, load_or_simulate, load_phrase


class Dataset(BaseDataset):
    """News as counts of terms, a phrase of a piano, and fluorescence as matrices."""

    name = "Measurements"
    parameters: ClassVar = {"source": ["BBC news", "piano", "amino acids", "catecholamines"]}

    def get_data(self):
        if self.source == "BBC news":
            return {"X": load_or_simulate("bbc").counts, "rank": 5}
        if self.source == "piano":
            phrase = load_phrase()
            transform = Spectrogram(rate=phrase.rate, window=1024, hop=512)
            return {"X": transform.magnitude(phrase.samples), "rank": 8}
        if self.source == "amino acids":
            return {"X": unfolded(load_or_simulate("amino_acids").tensor, 1), "rank": 3}
        return {"X": unfolded(load_kinetic().at_time(10).tensor, 0), "rank": 4}


def unfolded(tensor, mode):
    """Return a tensor as a matrix with one mode as its columns, nonnegative."""
    matrix = np.moveaxis(tensor, mode, -1).reshape(-1, tensor.shape[mode])
    return np.ascontiguousarray(np.maximum(matrix, 0.0))
