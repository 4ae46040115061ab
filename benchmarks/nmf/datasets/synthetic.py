from typing import ClassVar

import numpy as np
import scipy.sparse as sp
from benchopt import BaseDataset


class Dataset(BaseDataset):
    """Counts of gamma factors, dense or sparse, and uniform factors with Gaussian noise."""

    name = "Synthetic"
    parameters: ClassVar = {"kind": ["counts", "sparse counts", "noisy"], "size": [1.0]}
    test_parameters: ClassVar = {"kind": ["counts", "sparse counts", "noisy"], "size": [0.1]}

    def get_data(self):
        rng = np.random.default_rng(0)
        m, n, rank = int(500 * self.size), int(400 * self.size), 5
        if self.kind == "noisy":
            model = rng.random((m, rank)) @ rng.random((rank, n))
            noise = 0.1 * model.mean() * rng.standard_normal(model.shape)
            return {"X": np.maximum(model + noise, 0.0), "rank": rank}
        if self.kind == "counts":
            model = rng.gamma(1.0, size=(m, rank)) @ rng.gamma(1.0, size=(rank, n))
            return {"X": rng.poisson(10.0 * model / model.mean()).astype(float), "rank": rank}
        m, n = 5 * m, 5 * n
        model = rng.gamma(0.1, size=(m, rank)) @ rng.gamma(0.1, size=(rank, n))
        counts = sp.csr_array(rng.poisson(0.05 * model / model.mean()).astype(float))
        kept = np.diff(counts.indptr) > 0, np.diff(counts.tocsc().indptr) > 0
        return {"X": sp.csr_array(counts[kept[0]][:, kept[1]]), "rank": rank}
