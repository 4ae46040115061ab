"""Layer 1: sets that come with an installed package and need no network."""

import numpy as np

from .types import Axis, FluorescenceTensor, HyperspectralImage, StainImage

_INDIAN_PINES_CLASSES = (
    "unlabelled", "alfalfa", "corn, no till", "corn, min till", "corn", "grass, pasture",
    "grass, trees", "grass, mowed pasture", "hay, windrowed", "oats", "soybean, no till",
    "soybean, min till", "soybean, clean", "wheat", "woods", "buildings, grass, trees, drives",
    "stone, steel, towers",
)  # fmt: skip


def load_indian_pines():
    """An airborne scene of farmland in Indiana with a map of 16 classes of ground.

    Returns
    -------
    HyperspectralImage
        `cube` of shape (145, 145, 200), all positive; the 20 bands in which water absorbs the
        light are left out. `wavelengths` are those of four overlapping spectrometers and
        therefore not increasing everywhere. `labels` is zero where no class was recorded.

    Examples
    --------
    >>> scene = load_indian_pines()
    >>> scene.matrix.shape, scene.names[scene.labels[0, 0]]
    ((200, 21025), 'corn, min till')
    """
    from tensorly.datasets import load_indian_pines as bundled

    bunch = bundled()
    labels, wavelengths = bunch.ticks
    return HyperspectralImage(
        name="Indian Pines",
        units="scaled radiance",
        citation=" ".join(bunch.reference.split()),
        licence="CC-BY 3.0",
        source="tensorly.datasets.load_indian_pines",
        origin="bundled",
        cube=np.asarray(bunch.tensor),
        names=_INDIAN_PINES_CLASSES,
        wavelengths=np.array(wavelengths),
        labels=np.asarray(labels),
    )


def load_kinetic():
    """Fluorescence of catecholamine mixtures while they oxidise, an order-4 tensor.

    Returns
    -------
    FluorescenceTensor
        `tensor` of shape (64, 12, 10, 60): sample, emission, excitation, time. `mask` is False
        at the 0.4% of entries that are missing and at the 11 readings below zero (down to -36
        where intensities reach 2773); `tensor` holds zero there and is nonnegative.

        The record of sample 27 is cut short at 15.7 min: the last 13 of its 60 instants are stored
        as zeros, which `mask` does not tell from readings.

        ``load_kinetic().at_time(10)`` is the order-3 tensor of one instant.

    Examples
    --------
    >>> kinetic = load_kinetic()
    >>> kinetic.tensor.shape, [axis.name for axis in kinetic.axes]
    ((64, 12, 10, 60), ['sample', 'emission', 'excitation', 'time'])
    """
    from tensorly.datasets import load_kinetic as bundled

    bunch = bundled()
    tensor = np.asarray(bunch.tensor)
    mask = ~np.asarray(bunch.missing_values_position) & (tensor >= 0)
    names, units = ("sample", "emission", "excitation", "time"), ("", "nm", "nm", "min")
    return FluorescenceTensor(
        name="catecholamines",
        units="intensity, arbitrary",
        citation=" ".join(bunch.reference.split()),
        licence="public use with acknowledgement",
        source="tensorly.datasets.load_kinetic",
        origin="bundled",
        tensor=np.where(mask, tensor, 0.0),
        axes=tuple(map(Axis, names, units, map(np.array, bunch.ticks))),
        mask=mask,
        names=(),
        outliers=np.array(bunch.outlier_measurements_idx),
    )


def load_stains():
    """Glands of a colon stained with haematoxylin (blue) and DAB (brown).

    Returns
    -------
    StainImage
        `rgb` of shape (512, 512, 3) and its optical density, which adds up over the stains.

    Examples
    --------
    >>> stains = load_stains()
    >>> stains.matrix.shape, stains.names
    ((3, 262144), ('haematoxylin', 'DAB'))
    """
    from skimage.color import rgb_from_hed
    from skimage.data import immunohistochemistry

    rgb = immunohistochemistry()
    vectors = rgb_from_hed[[0, 2]].T
    return StainImage(
        name="immunohistochemistry",
        units="optical density, base ten",
        citation=(
            "Colonic glands, FHL2 revealed with DAB; Center for Microscopy and Molecular "
            "Imaging, distributed with scikit-image. Stain vectors: A. C. Ruifrok, "
            "D. A. Johnston (2001). Quantification of histochemical staining by color "
            "deconvolution. Analytical and Quantitative Cytology and Histology 23 (4), 291-299."
        ),
        licence="no known copyright restrictions",
        source="skimage.data.immunohistochemistry",
        origin="bundled",
        rgb=rgb,
        optical_density=-np.log10(np.maximum(rgb, 1) / 255.0) + 0.0,
        names=("haematoxylin", "DAB"),
        vectors=vectors / np.linalg.norm(vectors, axis=0),
    )
