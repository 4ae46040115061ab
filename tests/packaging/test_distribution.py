"""The source distribution and the wheel build, describe themselves and work where they land."""

import importlib.metadata
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

pytestmark = pytest.mark.xdist_group("distribution")

FIT = """
import sys
from pathlib import Path

import numpy as np

import multiconvex

assert Path(multiconvex.__file__).is_relative_to(sys.prefix), multiconvex.__file__
W, H = np.random.default_rng(0).random((2, 12, 2))
result = multiconvex.nmf(W @ H.T, 2, max_iter=2000, random_state=0)
assert np.linalg.norm(result.reconstruct() - W @ H.T) < 0.02 * np.linalg.norm(W @ H.T)
"""


@pytest.fixture(scope="module")
def distributions(tool, tracked_copy, tmp_path_factory):
    """The source distribution, and the wheel built from it."""
    folder = tmp_path_factory.mktemp("dist")
    tool("pyproject-build", "--no-isolation", "--outdir", folder, tracked_copy)
    (sdist,), (wheel,) = folder.glob("*.tar.gz"), folder.glob("*.whl")
    return sdist, wheel


@pytest.fixture(scope="module")
def sources(tracked):
    return {path.as_posix() for path in tracked if path.is_relative_to("src/multiconvex")}


def test_an_index_would_accept_both(tool, distributions):
    tool("twine", "check", "--strict", *distributions)


def test_the_source_distribution_holds_sources_tests_and_licences(distributions, sources, tracked):
    with tarfile.open(distributions[0]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    tests = {path.as_posix() for path in tracked if path.is_relative_to("tests")}
    files = {"LICENSE", "LICENSE-TEXT", "CITATION.cff", "CHANGELOG.md", "README.md"}
    assert sources | tests | files <= names


def test_the_wheel_holds_the_package_and_its_licences_alone(distributions, sources, pyproject):
    with zipfile.ZipFile(distributions[1]) as archive:
        names = set(archive.namelist())
    described = f"multiconvex-{pyproject['project']['version']}.dist-info"
    records = {"METADATA", "RECORD", "WHEEL", "licenses/LICENSE", "licenses/LICENSE-TEXT"}
    package = {source.removeprefix("src/") for source in sources}
    assert names == package | {f"{described}/{record}" for record in records}


def required(requirements):
    """Names of the distributions that these requirements need, extras aside."""
    found, waiting = set(), [Requirement(line) for line in requirements or ()]
    while waiting:
        requirement = waiting.pop()
        needed = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        if needed and requirement.name not in found:
            found.add(requirement.name)
            waiting += map(Requirement, importlib.metadata.requires(requirement.name) or ())
    return found


@pytest.fixture(scope="module")
def clean_python(distributions, tmp_path_factory):
    """Python of a new environment that holds the wheel and what its metadata asks for."""
    environment = tmp_path_factory.mktemp("clean")
    venv.create(environment, with_pip=False)
    python = environment / "bin" / "python"
    install = [sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-index"]
    subprocess.run([*install, "--no-deps", distributions[1]], check=True)
    (site,) = environment.glob("lib/python*/site-packages")
    (built,) = importlib.metadata.distributions(name="multiconvex", path=[str(site)])
    for name in required(built.requires):
        distribution = importlib.metadata.distribution(name)
        for top in {file.parts[0] for file in distribution.files} - {"..", "__pycache__"}:
            (site / top).symlink_to(Path(distribution.locate_file(top)))
    return python


def test_the_wheel_fits_a_model_where_nothing_else_is_installed(clean_python, tmp_path):
    fit = [clean_python, "-I", "-W", "error", "-c", FIT]
    done = subprocess.run(fit, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["matplotlib", "tensorly", "jupyter_book"])
def test_an_extra_is_not_needed_to_import_the_package(clean_python, tmp_path, name):
    absent = f"import importlib.util as u, multiconvex; assert u.find_spec({name!r}) is None"
    subprocess.run([clean_python, "-I", "-c", absent], cwd=tmp_path, check=True)
