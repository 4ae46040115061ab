"""The environment has one definition: pyproject.toml, then its lock, then everything else."""

import ast
import importlib.metadata
import os
import re
import subprocess
import sys
from urllib.parse import urlsplit

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ENTRY = re.compile(
    r"^([a-z0-9][a-z0-9._-]*)==(\S+)((?: ;[^\\]*)?) \\\n((?:    .*\n?)*)", re.MULTILINE
)
# What jupyter-book, jupytext, matplotlib, pytest, benchopt and nbclient are made of.
PARTS = {
    "sphinx", "docutils", "jupyter-client", "ipython", "cycler", "pillow", "nbformat", "packaging",
    "pandas", "tifffile",
}  # fmt: skip
# What a benchmark compares with where it is installed, and says how to install where it is not.
PEERS = {"spyrit", "torch"}
REGISTRIES = re.compile(
    r"py[p]i\.org|python[h]osted\.org|npm[j]s\.|ana[c]onda\.(?:org|com)|gh[c]r\.io|docker\.i[o]|un[p]kg\.com"
)


@pytest.fixture(scope="module")
def lock(repository):
    """Entries of the lock as name -> list of (version, comment and hashes)."""
    entries = {}
    for name, version, _, rest in ENTRY.findall((repository / "requirements.lock").read_text()):
        entries.setdefault(canonicalize_name(name), []).append((version, rest))
    return entries


@pytest.fixture(scope="module")
def requirements(pyproject):
    """Every direct requirement: the package's, its extras' and the build's."""
    project = pyproject["project"]
    extras = project["optional-dependencies"].values()
    lines = [*project["dependencies"], *(line for extra in extras for line in extra)]
    return [Requirement(line) for line in [*lines, *pyproject["build-system"]["requires"]]]


def test_the_lock_satisfies_every_requirement(lock, requirements):
    for requirement in requirements:
        pinned = lock[canonicalize_name(requirement.name)]
        assert all(requirement.specifier.contains(version) for version, _ in pinned)


def test_the_lock_was_resolved_from_these_requirements_and_no_other(lock, requirements):
    direct = {
        name
        for name, versions in lock.items()
        for _, rest in versions
        if "multiconvex (pyproject.toml)" in rest
    }
    assert direct == {canonicalize_name(requirement.name) for requirement in requirements}


def imported(path):
    """Top-level names that a file imports, wherever it does."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module.partition(".")[0]


def test_every_import_is_a_direct_requirement(repository, tracked, requirements):
    own = {path.stem for path in tracked} | {path.parent.name for path in tracked}
    known = {canonicalize_name(requirement.name) for requirement in requirements} | PARTS
    distributions = importlib.metadata.packages_distributions()
    for path in tracked:
        if path.suffix == ".py":
            peers = PEERS if path.parts[0] == "benchmarks" else set()
            for name in set(imported(repository / path)) - sys.stdlib_module_names - own - peers:
                found = {canonicalize_name(one) for one in distributions.get(name, ())}
                assert found & known, f"{path} imports {name}"


def test_every_line_of_the_lock_is_a_hashed_pin(lock, repository):
    text = (repository / "requirements.lock").read_text()
    pins = re.findall(r"^[^\s#].*$", text, re.MULTILINE)
    assert len(pins) == sum(map(len, lock.values())) > 100
    assert all("--hash=sha256:" in rest for versions in lock.values() for _, rest in versions)


def test_what_is_installed_is_what_is_locked(lock):
    for distribution in importlib.metadata.distributions():
        name = canonicalize_name(distribution.metadata["Name"])
        if name not in {"multiconvex", "pip", "setuptools", "wheel"}:
            assert distribution.version in [version for version, _ in lock[name]]


def test_the_two_environments_differ_by_the_path_of_the_lock_alone(repository):
    here = (repository / "environment.yml").read_text()
    binder = (repository / "binder/environment.yml").read_text()
    assert here.count("- -r requirements.lock") == 1
    assert binder == here.replace("-r requirements.lock", "-r ../requirements.lock")


def test_the_environments_hold_nothing_but_python_pip_and_the_lock(repository, pyproject):
    lines = (repository / "environment.yml").read_text().split("dependencies:\n")[1].split("\n")
    python, *rest = [line.strip() for line in lines if line]
    assert rest == ["- pip", "- pip:", "- -r requirements.lock"]
    version = re.fullmatch(r"- python=(3\.\d+)", python)[1]
    assert SpecifierSet(pyproject["project"]["requires-python"]).contains(version)


def test_binder_reads_its_folder_and_runs_its_script(tool, tracked_copy):
    options = ["--no-build", "--debug", "--user-id", "1000", "--user-name", "jovyan"]
    said = tool("jupyter-repo2docker", *options, ".", cwd=tracked_copy)
    assert 'env update -p ${NB_PYTHON_PREFIX} --file "binder/environment.yml"' in said
    assert "RUN ./binder/postBuild" in said
    assert os.access(tracked_copy / "binder/postBuild", os.X_OK)


def configured_hosts():
    """Hosts this machine installs from, as far as its settings tell."""
    settings = [value for name, value in os.environ.items() if re.search("INDEX|REGISTRY", name)]
    command = [sys.executable, "-m", "pip", "config", "list"]
    settings += re.findall(
        r"'(\S+)'", subprocess.run(command, capture_output=True, text=True).stdout
    )
    hosts = {urlsplit(value).hostname for value in settings} - {None}
    return {host for host in hosts if "." in host}


def test_no_file_names_the_host_of_a_registry(repository, tracked):
    hosts = configured_hosts()
    for path in tracked:
        text = (repository / path).read_bytes().decode(errors="ignore")
        assert not REGISTRIES.search(text), path
        assert not any(host in text for host in hosts), path


def test_contributing_gives_the_reason_of_every_requirement(repository, requirements, pyproject):
    text = (repository / "CONTRIBUTING.md").read_text()
    for extra in pyproject["project"]["optional-dependencies"]:
        assert f"`{extra}`" in text
    for requirement in requirements:
        assert re.search(
            rf"^\| `{re.escape(requirement.name)}` \| \w.+\.? \|$", text, re.MULTILINE
        ), requirement.name
