"""Files that are fetched when they are first needed, each with its checksum.

They come from public repositories at a fixed commit and are kept in the cache folder of the
operating system. ``MULTICONVEX_DATA`` names a folder that already holds them, under the same
relative names.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import pooch

from ._errors import DataCorrupted, DataUnavailable

_UNMIXING = (
    "https://raw.githubusercontent.com/UPCGIT/Hyperspectral-Unmixing-Models/"
    "3ec77a26ce726c2843b4e29070b435056941df39/Datasets/"
)
_CHEMOMETRICS = (
    "https://raw.githubusercontent.com/DamianPiuselli/estadistica-e-inferencia-I/"
    "bb02752748ccbd76764fed6abebdad80c5ce3d7b/data/"
)
_FORAGING = (
    "https://raw.githubusercontent.com/hanhou/Dynamic-Foraging/"
    "1e8736b044e8f4dc66f4fcecf37f53f878b5045a/export/"
)
_CHROMATOGRAPHR = (
    "https://raw.githubusercontent.com/ethanbass/chromatographR/"
    "1ccb3293dcfac6688892ba1cc54fe5ccaffe162f/data/"
)
_GOLDENROD = (
    "E. Bass. chromatographR: chromatographic data analysis toolset, R package; its example data, "
    "four extracts of roots of goldenrod (Solidago altissima) by HPLC with a diode-array detector."
)
_ANIMALS = (
    "https://raw.githubusercontent.com/samorr/Animals-with-Attributes/"
    "479279506002166297babca945cc90de4f2a4360/"
)
_LAMPERT = {
    "licence": "not stated by the repository",
    "citation": (
        "C. H. Lampert, H. Nickisch, S. Harmeling (2009). Learning to detect unseen object classes "
        "by between-class attribute transfer. IEEE Conference on Computer Vision and Pattern "
        "Recognition, 951-958."
    ),
    "simulator": "make_animals",
}
_UCI = (
    "https://raw.githubusercontent.com/treforevans/uci_datasets/"
    "f0737523712fe66a1640e4b980b927e8490b58eb/uci_datasets/"
)
_GLM_HMM = (
    "https://raw.githubusercontent.com/anhknguyen96/glm-hmm/"
    "ae1dc355d180e5b7963321fe4dad9c0d774a1695/data/data_for_cluster/data_by_animal/"
)


@dataclass(frozen=True)
class RemoteFile:
    """A file of a public repository at a fixed commit.

    Attributes
    ----------
    path : str
        Relative name in the cache and in the folder ``MULTICONVEX_DATA``.
    url, sha256 : str
    size : int
        Bytes.
    licence, citation : str
    simulator : str
        The function that makes data of the same kind.
    """

    path: str
    url: str
    sha256: str
    size: int
    licence: str
    citation: str
    simulator: str


FILES = {
    "samson": RemoteFile(
        path="unmixing/samson.mat",
        url=_UNMIXING + "Samson.mat",
        sha256="49530e80d0dabf6b1fb9cde2d6cf257f89a344afe9c13b2cc912eb22f344de18",
        size=3_735_621,
        licence="not stated by the repository",
        citation=(
            "F. Zhu, Y. Wang, S. Xiang, B. Fan, C. Pan (2014). Structured sparse method for "
            "hyperspectral unmixing. ISPRS Journal of Photogrammetry and Remote Sensing 88, "
            "101-118."
        ),
        simulator="make_mixture",
    ),
    "moffett": RemoteFile(
        path="unmixing/moffett.mat",
        url=_UNMIXING + "moffett.mat",
        sha256="1fc5875512af3d87a511a9ad8795b03f3785a834d75442edf07fa31332795567",
        size=1_155_180,
        licence="not stated by the repository",
        citation=(
            "AVIRIS scene of Moffett Field, California; a 50 by 50 crop as in N. Dobigeon, "
            "J.-Y. Tourneret, C.-I. Chang (2008). Semi-supervised linear spectral unmixing using "
            "a hierarchical Bayesian model for hyperspectral imagery. IEEE Transactions on "
            "Signal Processing 56 (7), 2684-2695."
        ),
        simulator="make_mixture",
    ),
    "amino_acids": RemoteFile(
        path="fluorescence/aminoacids_claus.mat",
        url=_CHEMOMETRICS + "claus.mat",  # codespell:ignore claus
        sha256="383f0475e608c6628f63e52da8db7711dd33dd00cc4ace100b09a1ffa8a63aae",
        size=492_152,
        licence="public use with acknowledgement",
        citation=(
            "R. Bro (1998). Multi-way analysis in the food industry: models, algorithms, and "
            "applications. PhD thesis, University of Amsterdam; measurements by C. A. Andersson."
        ),
        simulator="make_fluorescence",
    ),
    "foraging": RemoteFile(
        path="behaviour/foraging_FOR05.npz",
        url=_FORAGING + "FOR05.npz",
        sha256="54b21812bf4921da6a926f2e3c95b1ad62c50d12732f0f4a6ebae9749ad30b22",
        size=18_745,
        licence="not stated by the repository",
        citation=(
            "H. Hou (2020). Dynamic-Foraging, export of mouse FOR05. "
            "https://github.com/hanhou/Dynamic-Foraging"
        ),
        simulator="make_foraging",
    ),
    "goldenrod": RemoteFile(
        path="chromatography/goldenrod_hplc_dad.RData",
        url=_CHROMATOGRAPHR + "Sa_pr.RData",
        sha256="a3948dc89700793843f45f023255c3cb7c0a9ad09632c09e37bb6b2d100a5baa",
        size=673_840,
        licence="GPL, version 2 or later",
        citation=_GOLDENROD,
        simulator="make_chromatograms",
    ),
    "goldenrod_raw": RemoteFile(
        path="chromatography/goldenrod_hplc_dad_raw.RData",
        url=_CHROMATOGRAPHR + "Sa.RData",
        sha256="dbfd3665787cb69ab23b49d260b9b1f1a4788d45ff1caf28ca49edab31eb42b1",
        size=927_788,
        licence="GPL, version 2 or later",
        citation=_GOLDENROD,
        simulator="make_chromatograms",
    ),
    "ibl_mouse": RemoteFile(
        path="behaviour/ibl_CSHL_008.npz",
        url=_GLM_HMM + "CSHL_008_unnormalized.npz",
        sha256="26c5fd38a8f7ea9aedb3eecb40108d3b42256010975d72fc53cf94d23ab096fb",
        size=625_708,
        licence="not stated by the repository",
        citation=(
            "The International Brain Laboratory et al. (2021). Standardized and reproducible "
            "measurement of decision-making in mice. eLife 10, e63711; prepared as in Z. C. "
            "Ashwood et al. (2022). Mice alternate between discrete strategies during perceptual "
            "decision-making. Nature Neuroscience 25 (2), 201-212."
        ),
        simulator="make_decisions",
    ),
    "energy": RemoteFile(
        path="implicit/energy.csv.gz",
        url=_UCI + "energy/data.csv.gz",
        sha256="431b6df04243db782bbcd45e408373a654334496ebe5d9c9985ab2e826a39f51",
        size=5595,
        licence="MIT (repository)",
        citation=(
            "A. Tsanas, A. Xifara (2012). Accurate quantitative estimation of energy performance "
            "of residential buildings using statistical machine learning tools. Energy and "
            "Buildings 49, 560-567."
        ),
        simulator="make_implicit_data",
    ),
    "concrete": RemoteFile(
        path="implicit/concrete.csv.gz",
        url=_UCI + "concrete/data.csv.gz",
        sha256="542c5d9a0d301bdb47550280398dcbbe2fb8404631fc945de1ea6df9ade741c6",
        size=12_153,
        licence="MIT (repository)",
        citation=(
            "I.-C. Yeh (1998). Modeling of strength of high-performance concrete using artificial "
            "neural networks. Cement and Concrete Research 28 (12), 1797-1808."
        ),
        simulator="make_implicit_data",
    ),
    "jaszczak": RemoteFile(
        path="single_pixel/jaszczak_haar.mat",
        url=(
            "https://raw.githubusercontent.com/nducros/SPIRIT/"
            "c68de3998328fecebf7909f17ae035f467e596d6/data/Jaszczak_Haar_4_128x128.mat"
        ),
        sha256="32853fa264eb9b4fe3635a62347061729f5d8b07b1cb2d851a82443bee858db0",
        size=136_256,
        licence="CC-BY-SA 4.0",
        citation=(
            "N. Ducros. SPIRIT, a toolbox for single-pixel imaging: acquisition of a Jaszczak "
            "target with Haar wavelet patterns. https://github.com/nducros/SPIRIT"
        ),
        simulator="make_acquisition",
    ),
    "mice_protein": RemoteFile(
        path="bilevel/mice_protein.csv",
        url=(
            "https://raw.githubusercontent.com/haziqj/rec-jrss-reply/"
            "91ab8245c0c741e21394b7f6800f012c67180735/data/Data_Cortex_Nuclear.csv"
        ),
        sha256="4ced18230e965766e080ceaccfa675b0686546fa068a8c15e4bf9ad7508903d5",
        size=1_010_612,
        licence="not stated by the repository",
        citation=(
            "C. Higuera, K. J. Gardiner, K. J. Cios (2015). Self-organizing feature maps identify "
            "proteins critical to learning in a mouse model of Down syndrome. PLoS ONE 10 (6), "
            "e0129126."
        ),
        simulator="make_proteins",
    ),
    "animals": RemoteFile(
        path="animals/predicate_matrix_binary.txt",
        url=_ANIMALS + "predicate-matrix-binary.txt",
        sha256="7bb736f49b12777325c2920df9b196a8809904728f43ee5197d2359c699b6123",
        size=8500,
        **_LAMPERT,
    ),
    "animals.strength": RemoteFile(
        path="animals/predicate_matrix_continuous.txt",
        url=_ANIMALS + "predicate-matrix-continuous.txt",
        sha256="616ad16c4636a8ab3845c83ddc83e5e24a2d3430dfa4574048674403e59ec146",
        size=29_800,
        **_LAMPERT,
    ),
    "animals.classes": RemoteFile(
        path="animals/classes.txt",
        url=_ANIMALS + "classes.txt",
        sha256="691c8c92db822894436225c814252dd2eddf086c75392db4b950d3081de87dfc",
        size=755,
        **_LAMPERT,
    ),
    "animals.predicates": RemoteFile(
        path="animals/predicates.txt",
        url=_ANIMALS + "predicates.txt",
        sha256="cf0a47c75895f1b4bdabb08273fb142e78f2b5373c246f1a83b37fe970c3c79f",
        size=1205,
        **_LAMPERT,
    ),
}

FILES["bbc"] = RemoteFile(
    path="text/bbc.zip",
    url=(
        "https://raw.githubusercontent.com/T5C09/NBM_Unsupervised_Gamma/"
        "f10ec3e46c5f59e210bf43a4b69f0b9fd89708ac/pairs/nmf/bbc.zip"
    ),
    sha256="976a091f7579f65c20b2738829e63a6cbae988ca7af1d7a4dfadefcefd460ca6",
    size=884_338,
    licence="not stated by the repository",
    citation=(
        "D. Greene, P. Cunningham (2006). Practical solutions to the problem of diagonal dominance "
        "in kernel document clustering. International Conference on Machine Learning, 377-384."
    ),
    simulator="make_news",
)

# Eight notes, a minor third apart; the first one bears the name of the set.
_SALAMANDER = (
    ("A3", "8e108fe228e34e32f6b4e61efff732eec53058a9e6f05a8d8e719598b132c4f9", 74_526),
    ("C4", "689eaa4c2fd7f29a2cc0e386eec462156d523a87d701269e5e2458e66056f4f6", 78_718),
    ("Ds4", "663e8bb3e2d0fa23a30526dcd7ab0e42609c193c07025647ef46badcf81ec211", 73_519),
    ("Fs4", "613652f5c96e35736ce6a46bc4ddb6ba1076d1fb16a35a4c22c14e67efdde57c", 68_219),
    ("A4", "a62df24a2c84cea8d18c1fa8aca7c18c877ba2b76a00a591256fa74d3ce54ac3", 61_148),
    ("C5", "2f5b0f7422063010fb379e684bfdf2daa3911dcd2251413d79fa2a53029fdc30", 68_920),
    ("Ds5", "bf71096e653ab7ceca3914b9fd44d8c27fe83c162564c5db34bd06b94eb14b8c", 58_179),
    ("Fs5", "ed2fdf543274ea72ddd4eb634a16356531a5f4040b2a60d34fb12a5c72cbf22f", 51_597),
)
FILES |= {
    "salamander" if note == "A3" else f"salamander.{note}": RemoteFile(
        path=f"music/salamander_{note}.mp3",
        url=(
            "https://raw.githubusercontent.com/Tonejs/audio/"
            f"efd8296360f9526e379bfbe5c1698ff54d6a1d34/salamander/{note}.mp3"
        ),
        sha256=sha256,
        size=size,
        licence="CC-BY 3.0",
        citation="A. Holm. Salamander Grand Piano, a Yamaha C5 recorded note by note.",
        simulator="make_piano",
    )
    for note, sha256, size in _SALAMANDER
}


def fetch(name):
    """Path of a verified copy of the file `name`, downloaded when there is none yet.

    Parameters
    ----------
    name : str
        A key of ``FILES``: the name of a set, or "set.part" where it comes in several files.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    DataUnavailable
        When no copy exists and none can be downloaded.
    DataCorrupted
        When a file with another checksum is found or received.
    """
    file = FILES[name]
    folder = os.environ.get("MULTICONVEX_DATA")
    if folder and (Path(folder) / file.path).is_file():
        return _verified(Path(folder) / file.path, file)
    cached = cache_folder() / file.path
    return _verified(cached, file) if cached.is_file() else _download(name, file, cached)


def cache_folder():
    """Where downloaded files are kept."""
    return Path(pooch.os_cache("multiconvex"))


def _verified(path, file):
    found = pooch.file_hash(str(path), alg="sha256")
    if found != file.sha256:
        raise DataCorrupted(
            f"{path} is not the published file: its SHA256 is {found}, expected {file.sha256}; "
            f"delete it to fetch it again from {file.url}"
        )
    return path


def _download(name, file, target):
    pooch.get_logger().setLevel("WARNING")
    try:
        pooch.retrieve(
            file.url,
            known_hash=f"sha256:{file.sha256}",
            fname=target.name,
            path=target.parent,
            downloader=pooch.HTTPDownloader(timeout=10),
        )
    except ValueError as error:
        raise DataCorrupted(
            f"what {file.url} sent is not the published file (SHA256 {file.sha256}); "
            "nothing was kept"
        ) from error
    except OSError as error:
        raise DataUnavailable(
            f"data set {name!r} is not on this machine and could not be fetched from {file.url} "
            f"({type(error).__name__}); provide {file.path} in a folder named by "
            f"MULTICONVEX_DATA or in {cache_folder()}, or simulate similar data with "
            f"multiconvex.datasets.{file.simulator}"
        ) from error
    return target
