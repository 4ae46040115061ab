from typing import ClassVar

import numpy as np
from benchopt import BaseDataset
from sklearn.datasets import load_digits

from multiconvex.datasets import load_indian_pines, load_stains


class Dataset(BaseDataset):
    """Farmland in 200 bands, handwritten digits, and the optical density of a stained tissue."""

    name = "Images"
    parameters: ClassVar = {"scene": ["Indian Pines", "digits", "stains"]}

    def get_data(self):
        if self.scene == "digits":
            return {"X": load_digits().data.astype(float), "rank": 6}
        if self.scene == "stains":
            density = load_stains().optical_density[::3, ::3]
            return {"X": np.ascontiguousarray(density.reshape(-1, 3).T), "rank": 2}
        cube = load_indian_pines().cube[::3, ::3]
        return {"X": np.ascontiguousarray(cube.reshape(-1, 200).T.astype(float)), "rank": 6}
