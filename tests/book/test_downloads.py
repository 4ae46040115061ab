"""What readers download runs elsewhere, and is what Colab opens."""

import os
import subprocess
import sys
import venv
from pathlib import Path

import jupytext
import nbformat
import pytest
from block_by_block.address import NOTEBOOKS, Address
from block_by_block.book_map import chapters
from block_by_block.downloads import WITNESSES, install_cell, prepare
from IPython.core.interactiveshell import InteractiveShell
from pages import ROOT

NAMES = [chapter.docname for chapter in chapters(ROOT)]
PLACE = Address("https://github.com/someone/a-book")
SHORT = ("chapters/open_problems/unique_factors.ipynb", "chapters/theory/mixed_sparse_coding.md")


def run_downloads(*arguments, **variables):
    command = [sys.executable, ROOT / "tools/run-downloads", *map(str, arguments)]
    environment = {**os.environ, **variables}
    return subprocess.run(command, env=environment, capture_output=True, text=True)


def code(notebook):
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


def pip_commands(present, monkeypatch):
    """What the first cell of a download asks of pip where only some packages are installed."""
    asked = []
    shell = InteractiveShell()
    shell.register_magic_function(asked.append, magic_name="pip")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name in present or None)
    shell.run_cell(install_cell(PLACE, "0a1b").source).raise_error()
    return asked


def test_the_first_cell_installs_nothing_where_everything_is_there(monkeypatch):
    assert pip_commands(WITNESSES, monkeypatch) == []


@pytest.mark.parametrize("absent", WITNESSES)
def test_the_first_cell_installs_the_version_of_the_page_where(absent, monkeypatch):
    present = set(WITNESSES) - {absent}
    (command,) = pip_commands(present, monkeypatch)
    package = "multiconvex[programs,chapters,scale] @ git+https://github.com/someone/a-book@0a1b"
    assert command == f'install --quiet "{package}"'


def test_a_download_is_numbered_and_has_no_outputs():
    cell = nbformat.v4.new_code_cell("1 + 1", execution_count=4)
    cell.outputs = [nbformat.v4.new_output("stream", text="2")]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# A"), cell])
    prepare(notebook, nbformat.v4.new_code_cell("first"))
    assert [(one.id, one.source) for one in notebook.cells] == [
        ("cell-1", "first"),
        ("cell-2", "# A"),
        ("cell-3", "1 + 1"),
    ]
    assert cell.outputs == [] and cell.execution_count is None


def test_both_downloads_of_a_page_have_the_same_cells(site):
    paths = sorted((site / "_sources").rglob("*.ipynb"))
    names = {path.relative_to(site / "_sources").with_suffix("").as_posix() for path in paths}
    assert names >= set(NAMES)
    for path in paths:
        first, *others = code(nbformat.read(path, as_version=4))
        assert "%pip install" in first, path
        assert others == code(jupytext.read(path.with_suffix(".md"))), path


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    """Python of an environment of the locked packages and a wheel of this repository."""
    folder = tmp_path_factory.mktemp("elsewhere")
    venv.create(folder, with_pip=False)
    (site,) = folder.glob("lib/python*/site-packages")
    # A path, not a site folder: what is installed in place there is not found here.
    (site / "locked.pth").write_text(f"{Path(sys.prefix) / site.relative_to(folder)}\n")
    build = [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", folder, ROOT]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    python = folder / "bin/python"
    install = [sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-index"]
    subprocess.run([*install, "--no-deps", wheel], check=True)
    return python


@pytest.mark.slow
@pytest.mark.xdist_group("downloads")
def test_downloads_run_in_an_environment_of_their_own(site, elsewhere):
    """Two of the shortest, at once and without compiled kernels. The weekly job runs all."""
    done = run_downloads("--site", site, "--python", elsewhere, *SHORT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert all(f"{name} " in done.stdout for name in SHORT)
    assert "2 downloads, 0 failed." in done.stdout


@pytest.fixture
def one_download(tmp_path):
    def write(*cells):
        notebook = nbformat.v4.new_notebook(cells=[*map(nbformat.v4.new_code_cell, cells)])
        (tmp_path / "_sources").mkdir()
        nbformat.write(notebook, tmp_path / "_sources/page.ipynb")
        return tmp_path

    return write


def test_a_download_that_fails_is_told(one_download):
    site = one_download("1 / 0")
    done = run_downloads("--site", site, "--python", sys.executable, "*.ipynb")
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stdout
    assert "1 downloads, 1 failed." in done.stdout


def test_a_download_knows_nothing_of_the_build_of_the_book(one_download):
    site = one_download(
        "import os; from pathlib import Path",
        "assert 'MULTICONVEX_STATIC' not in os.environ and 'PYTHONPATH' not in os.environ",
        "assert [path.name for path in Path().iterdir()] == ['page.ipynb']",
    )
    variables = {"MULTICONVEX_STATIC": "1", "PYTHONPATH": str(ROOT / "src")}
    done = run_downloads("--site", site, "--python", sys.executable, "*.ipynb", **variables)
    assert done.returncode == 0, done.stdout


def test_a_pattern_without_downloads_is_told(tmp_path):
    done = run_downloads("--site", tmp_path)
    assert done.returncode == 1
    assert "make book" in done.stdout


def test_the_branch_of_notebooks_holds_the_notebooks_of_the_site_alone(tmp_path):
    source, remote = tmp_path / "_sources", tmp_path / "remote.git"
    for name in ("chapters/part/a.ipynb", "chapters/part/a.md", "front/b.ipynb"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text(name)
    git("init", "--quiet", "--bare", remote)
    for text in ("old", "new"):
        (source / "front/b.ipynb").write_text(text)
        subprocess.run(
            ["sh", ROOT / "tools/publish-notebooks", source, remote], cwd=ROOT, check=True
        )
    names = git("--git-dir", remote, "ls-tree", "-r", "--name-only", NOTEBOOKS).split()
    assert names == ["README.md", "chapters/part/a.ipynb", "front/b.ipynb"]
    assert git("--git-dir", remote, "show", f"{NOTEBOOKS}:front/b.ipynb") == "new"
    assert git("--git-dir", remote, "rev-list", "--count", NOTEBOOKS).strip() == "1"


def git(*arguments):
    command = ["git", *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
