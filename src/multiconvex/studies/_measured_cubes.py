"""What a hyperspectral cube must satisfy before it is unmixed, said in sentences."""

import numpy as np

_BETTER = 0.1


def check_cube(cube):
    """Return a cube as nonnegative floats of shape (rows, cols, bands)."""
    cube = np.asarray(cube)
    if cube.ndim != 3:
        raise ValueError(
            f"cube must have shape (rows, cols, bands), got {cube.shape}: give a matrix of pixels "
            "the shape of its image first."
        )
    if 0 in cube.shape:
        raise ValueError(f"cube is empty: its shape is {cube.shape}.")
    cube = cube.astype(np.result_type(cube.dtype, np.float32), copy=False)
    _check_bands(cube)
    negative = int(np.count_nonzero(cube < 0))
    if negative:
        raise ValueError(
            f"cube has {negative} negative readings, down to {cube.min():.3g}: set them to zero "
            "where they are noise around zero, and look for an offset where they are not."
        )
    if not cube.any():
        raise ValueError("cube is zero everywhere: there is nothing to unmix.")
    return cube


def _check_bands(cube):
    """Refuse readings that are not finite, and name the bands to leave out."""
    bad = ~np.isfinite(cube)
    if not bad.any():
        return
    counts = bad.sum(axis=(0, 1))
    bands = np.flatnonzero(counts)
    if len(bands) < cube.shape[2]:
        raise ValueError(
            f"cube has NaN or infinite readings in {len(bands)} of its {cube.shape[2]} bands "
            f"({_listed(bands)}): leave these bands out, as in np.delete(cube, bands, axis=2)."
        )
    pixels = int(np.count_nonzero(bad.any(axis=2)))
    raise ValueError(
        f"cube has NaN or infinite readings in every band, in {pixels} pixels: fill these pixels "
        "in, or crop the image."
    )


def _listed(bands, shown=6):
    text = ", ".join(map(str, bands[:shown]))
    return text if len(bands) <= shown else f"{text}, ..."


def check_references(cube, rank, spectra, abundances, regions):
    """Return the references as arrays, or None, after comparing their shapes with the cube."""
    rows, cols, bands = cube.shape
    wanted = {
        "spectra": (spectra, (bands, rank)),
        "abundances": (abundances, (rows, cols, rank)),
        "regions": (regions, (rows, cols)),
    }
    checked = []
    for name, (array, shape) in wanted.items():
        array = None if array is None else np.asarray(array)
        if array is not None and array.shape != shape:
            raise ValueError(
                f"{name} must have shape {shape} for a cube of shape {cube.shape} and rank "
                f"{rank}, got {array.shape}: choose the rank that goes with them, or leave them "
                "out."
            )
        checked.append(array)
    if regions is not None:
        _check_regions(checked[2], rank)
    if abundances is not None:
        check_order(cube, checked[1])
    return checked


def _check_regions(regions, rank):
    found = np.unique(regions[regions > 0]) if regions.dtype.kind in "iu" else ()
    if len(found) != rank:
        raise ValueError(
            f"regions must be integers with {rank} different positive numbers, one for each "
            f"material, and 0 elsewhere; got {regions.dtype} with {len(found)}."
        )


def check_order(cube, abundances):
    """Refuse abundances that explain the cube much better when their pixels are reordered.

    What they explain is the part of the variance of all bands that a regression on them leaves.
    """
    rows, cols, _ = cube.shape
    given = explained_variance(cube, abundances)
    shares = {
        remedy: explained_variance(cube, reordered(abundances, rows, cols))
        for remedy, reordered in _ORDERS.items()
    }
    best = max(shares, key=shares.get)
    if shares[best] > given + _BETTER:
        raise ValueError(
            "The pixels of cube and abundances are in different orders: as they are, abundances "
            f"explain {given:.0%} of the variance of the cube, and {shares[best]:.0%} if the cube "
            f"is {best}."
        )


def explained_variance(cube, abundances):
    """Return the share of the variance of a cube that a regression on abundances explains."""
    pixels = cube.reshape(-1, cube.shape[2])
    centred = pixels - pixels.mean(axis=0)
    regressors = abundances.reshape(len(pixels), -1)
    basis = np.linalg.svd(regressors - regressors.mean(axis=0), full_matrices=False)
    kept = basis[0][:, basis[1] > 1e-9 * max(basis[1][0], np.finfo(float).tiny)]
    total = float(np.vdot(centred, centred))
    return float(np.sum((kept.T @ centred) ** 2)) / max(total, np.finfo(float).tiny)


def _by_columns(maps, rows, cols):
    return maps.transpose(1, 0, 2).reshape(rows, cols, -1)


def _by_rows(maps, rows, cols):
    return maps.reshape(cols, rows, -1).transpose(1, 0, 2)


_ORDERS = {
    'read column by column: matrix.reshape(bands, rows, cols, order="F")': _by_columns,
    'read row by row: matrix.reshape(bands, rows, cols, order="C")': _by_rows,
    "turned upside down: cube[::-1]": lambda maps, *_: maps[::-1],
    "mirrored: cube[:, ::-1]": lambda maps, *_: maps[:, ::-1],
    "turned by 180 degrees: cube[::-1, ::-1]": lambda maps, *_: maps[::-1, ::-1],
}
