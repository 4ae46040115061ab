"""Two stains of a tissue: absorbance adds, light does not."""

from dataclasses import dataclass

import numpy as np

from multiconvex import datasets
from multiconvex.diagnostics import match_components, spectral_angle
from multiconvex.studies._unmixing_report import UnmixingReport, report

_METHODS = ("separable", "NMF", "minimum volume")


@dataclass(frozen=True, eq=False)
class TissueReport:
    """A stained tissue unmixed in absorbance, and in light for comparison.

    Attributes
    ----------
    photograph : ndarray, shape (rows, cols, 3), uint8
    absorbance, light : UnmixingReport
        Of the optical density; and of the light itself, without references.
    vectors : ndarray, shape (3, 2)
        Published colours of the stains in absorbance.
    """

    photograph: np.ndarray
    absorbance: UnmixingReport
    light: UnmixingReport
    vectors: np.ndarray

    @property
    def rows(self):
        """What the table says, with angles between absorbances in degrees."""
        rows = []
        for domain, made in (("absorbance", self.absorbance), ("light", self.light)):
            for method, result in made.results.items():
                angles = spectral_angle(*self._as_absorbance(domain, result.spectra))
                rows.append(
                    {"unmixed in": domain, "method": method}
                    | dict(zip(self.absorbance.names, angles.tolist()))
                    | {"mean angle": float(angles.mean())}
                )
        return rows

    def _as_absorbance(self, domain, spectra):
        """Return spectra as absorbance in the order of the published vectors, and these."""
        if domain == "light":
            brightest = np.maximum(spectra / spectra.max(), 1 / 255)
            spectra = -np.log10(brightest)
        order, _ = match_components(spectra, self.vectors)
        return spectra[:, order], self.vectors


def unmix_tissue(every=4):
    """Unmix every fourth row and column of a stained tissue into its two stains."""
    tissue = datasets.load_stains()
    photograph = tissue.rgb[::every, ::every]
    absorbance = report(
        tissue.optical_density[::every, ::every], 2, spectra=tissue.vectors, names=tissue.names,
        methods=_METHODS,
    )  # fmt: skip
    light = report(photograph / 255.0, 2, methods=_METHODS[1:2])
    return TissueReport(photograph, absorbance, light, tissue.vectors)
