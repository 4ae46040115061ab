"""A printed page in patches of sixteen pixels, and dictionaries that write them briefly."""

from dataclasses import dataclass

import numpy as np
from scipy.fft import idct
from skimage.data import page

from multiconvex import (
    FactorProblem,
    NoPenalty,
    RowSparse,
    SupportEnumeration,
    complete_dictionary,
    factor_match_score,
)

_SIDE = 4
_FLAT = 20.0


@dataclass(frozen=True, eq=False)
class PageCode:
    """Dictionaries learned on the left half of a page and tried on the right half.

    Attributes
    ----------
    dictionaries : dict of str to ndarray, shape (16, 15)
        Cosines, principal axes, and the learned atoms.
    errors : dict of str to dict of int to float
        Relative error on the right half, by the number of atoms in each patch.
    sparsity : int
        For which the atoms were learned.
    n_samples : int
        Patches learned from.
    images : dict of str to ndarray
        A piece of the right half, and what each dictionary makes of it with that many atoms.
    agreement : float
        Mean cosine between the atoms and those learned on the right half.
    """

    dictionaries: dict
    errors: dict
    sparsity: int
    n_samples: int
    images: dict
    agreement: float

    @property
    def gain(self):
        """Decibels by which the learned atoms beat the cosines on the right half."""
        cosines, learned = (self.errors[name][self.sparsity] for name in ("cosines", "learned"))
        return float(20.0 * np.log10(cosines / learned))

    @property
    def rows(self):
        """What the table of the chapter says."""
        return [
            {"atoms": name} | {f"{k} of 15": error for k, error in errors.items()}
            for name, errors in self.errors.items()
        ]


def learn_page(sparsity=3, sizes=(1, 2, 3, 4, 6), random_state=0):
    """Learn the atoms of a printed page, and compare them with cosines and principal axes."""
    image = page().astype(float)
    image = image[: image.shape[0] // _SIDE * _SIDE]
    left, right = np.split(image, 2, axis=1)
    training = _without_mean(_patches(left))
    training = training[:, np.linalg.norm(training, axis=0) > _FLAT]
    test = _without_mean(_patches(right))
    dictionaries = {
        "cosines": _cosines(),
        "principal axes": np.linalg.svd(training, full_matrices=False)[0][:, :-1],
        "learned": _learn(training, sparsity, random_state),
    }
    errors = {
        name: {k: _relative_error(atoms, test, k) for k in sizes}
        for name, atoms in dictionaries.items()
    }
    piece = right[40:128, 16:124]
    images = {"original": piece} | {
        name: _compress(piece, dictionaries[name], sparsity) for name in ("cosines", "learned")
    }
    other = _learn(test[:, np.linalg.norm(test, axis=0) > _FLAT], sparsity, random_state)
    agreement = factor_match_score(other, dictionaries["learned"])
    return PageCode(dictionaries, errors, sparsity, training.shape[1], images, agreement)


def _learn(patches, sparsity, random_state):
    rank = _SIDE**2 - 1
    fit = complete_dictionary(
        patches, rank, sparsity, n_starts=3, max_iter=100, tol=1e-4, random_state=random_state
    )
    return fit.dictionary


def _patches(image):
    """Square tiles of an image as columns."""
    rows, columns = (size // _SIDE for size in image.shape)
    return image.reshape(rows, _SIDE, columns, _SIDE).transpose(1, 3, 0, 2).reshape(_SIDE**2, -1)


def _image(patches, shape):
    """The inverse of ``_patches``."""
    rows, columns = (size // _SIDE for size in shape)
    return patches.reshape(_SIDE, _SIDE, rows, columns).transpose(2, 0, 3, 1).reshape(shape)


def _without_mean(patches):
    return patches - patches.mean(axis=0)


def _cosines():
    """The two-dimensional discrete cosine transform, without its constant atom."""
    basis = idct(np.eye(_SIDE), norm="ortho", axis=0)
    return np.kron(basis, basis)[:, 1:]


def _approximate(atoms, patches, sparsity):
    """The best approximation of each patch by so many atoms."""
    problem = FactorProblem(patches, atoms.shape[1], (NoPenalty(), RowSparse(sparsity)))
    start = atoms, np.zeros((patches.shape[1], atoms.shape[1]))
    return atoms @ SupportEnumeration()(problem, start, 1, None)[0].T


def _relative_error(atoms, patches, sparsity):
    missed = patches - _approximate(atoms, patches, sparsity)
    return float(np.linalg.norm(missed) / np.linalg.norm(patches))


def _compress(image, atoms, sparsity):
    patches = _patches(image)
    varying = _without_mean(patches)
    kept = patches - varying + _approximate(atoms, varying, sparsity)
    return np.clip(_image(kept, image.shape), 0.0, 255.0)
