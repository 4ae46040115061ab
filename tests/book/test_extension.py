"""The extension that builds the book: keys of the caches, the map, the reference and leftovers."""

import shutil
import subprocess
from pathlib import Path

import pytest
from block_by_block.address import Address, read_address
from block_by_block.api import (
    documented,
    number_references,
    separate_facts,
    shown,
    without_addresses,
)
from block_by_block.book_map import (
    best_test,
    chapters,
    describe,
    front_matter,
    public_names,
    raise_powers,
    read_chapter,
    read_facts,
    toc_docnames,
)
from block_by_block.fingerprint import code_key, execution_key
from block_by_block.leftovers import leftovers
from pages import ROOT

PLACE = Address("https://github.com/someone/a-book")


@pytest.fixture
def project(tmp_path):
    (tmp_path / "src/package").mkdir(parents=True)
    (tmp_path / "src/package/kernel.py").write_text("answer = 41\n")
    (tmp_path / "requirements.lock").write_text("numpy==2.0\n")
    return tmp_path


def edit_kernel(project):
    (project / "src/package/kernel.py").write_text("answer = 42\n")


def add_module(project):
    (project / "src/package/other.py").write_text("")


def rename_module(project):
    (project / "src/package/kernel.py").rename(project / "src/package/kernels.py")


def update_lock(project):
    (project / "requirements.lock").write_text("numpy==2.1\n")


@pytest.mark.parametrize("change", [edit_kernel, add_module, rename_module, update_lock])
def test_outputs_are_computed_again_after(project, change):
    before = code_key(project), execution_key(project, [])
    change(project)
    after = code_key(project), execution_key(project, [])
    assert before[0] != after[0] and before[1] != after[1]


def test_outputs_are_computed_again_on_another_python(project, monkeypatch):
    before = code_key(project)
    monkeypatch.setattr("sys.version", "3.99.0 (main, Jan  1 2030, 00:00:00) [GCC 1.0]")
    assert code_key(project) != before


def test_outputs_are_computed_again_with_other_data(project, tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    before = execution_key(project, [folder])
    (folder / "scene.mat").write_bytes(b"1")
    first = execution_key(project, [folder])
    (folder / "scene.mat").write_bytes(b"2")
    assert len({before, first, execution_key(project, [folder])}) == 3


def test_caches_and_unchanged_files_keep_the_key(project):
    before = execution_key(project, [])
    (project / "src/package/__pycache__").mkdir()
    (project / "src/package/__pycache__/kernel.pyc").write_bytes(b"compiled")
    edit_again = (project / "src/package/kernel.py").read_text()
    (project / "src/package/kernel.py").write_text(edit_again)
    assert execution_key(project, []) == before


def test_a_page_outside_the_table_of_contents_is_found(tmp_path):
    for page in ("intro.html", "search.html", "_modules/a.html", "chapters/old.html"):
        (tmp_path / page).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / page).touch()
    assert leftovers(tmp_path, {"intro"}) == ["chapters/old.html"]


def test_everything_derives_from_the_address():
    assert (PLACE.owner, PLACE.name) == ("someone", "a-book")
    assert PLACE.pages == "https://someone.github.io/a-book/"
    assert PLACE.file("src/a.py", 7) == "https://github.com/someone/a-book/blob/main/src/a.py#L7"
    assert PLACE.binder("chapters/a.md") == (
        "https://mybinder.org/v2/gh/someone/a-book/main?urlpath=lab/tree/chapters/a.md"
    )
    assert PLACE.fill("git clone @repository@; cd @repository-name@") == (
        "git clone https://github.com/someone/a-book; cd a-book"
    )
    assert read_address(ROOT).url.startswith("https://")


def test_facts_of_a_docstring_end_at_a_blank_line():
    text = "One line.\n\nNotes\n-----\nGuarantee: descent,\nalways.\nCost: n per sweep.\n\nMore."
    assert read_facts(text) == {"Guarantee": "descent, always.", "Cost": "n per sweep."}


def test_facts_become_paragraphs_of_the_reference():
    lines = ["Notes", "Guarantee: descent,", "always.", "Cost: n per sweep."]
    separate_facts(None, "class", "A", None, None, lines)
    assert lines == [
        "Notes",
        "",
        "**Guarantee:** descent,",
        "always.",
        "",
        "**Cost:** n per sweep.",
    ]


def test_references_of_a_docstring_become_a_list():
    lines = [
        "As in [2]_.",
        "",
        ".. [1] A. Author, a title",
        "       that is long.",
        ".. [2] B.",
        "",
    ]
    number_references(None, "class", "A", None, None, lines)
    assert lines == [
        "As in [2].",
        "",
        "1. \\A. Author, a title",
        "   that is long.",
        "2. B.",
        "",
    ]


def test_exponents_are_raised_outside_backticks():
    assert raise_powers("O(m n^2) and 2^(k + 1)") == (r"O(m n\ :sup:`2`) and 2\ :sup:`k + 1`")
    assert raise_powers("of ``n^2`` and :math:`x^2`") == "of ``n^2`` and :math:`x^2`"


def test_signatures_name_no_place_in_memory():
    signature, _ = without_addresses(
        None,
        "function",
        "f",
        None,
        None,
        "(stop=<function never at 0x7f00aa>, loss=<L at 0x1f>)",
        "",
    )
    assert signature == "(stop=never, loss=<L>)"


def test_front_matter_is_read_from_the_top_of_a_page():
    assert front_matter("---\nalgorithms: [a.B]\n---\n# Title\n") == {"algorithms": ["a.B"]}
    assert front_matter("# Title\n") == {}


def test_pages_below_a_page_follow_it(tmp_path):
    below = "sections:\n      - file: a/b\n        sections: [{file: a/b/c}]\n    - file: d\n"
    toc = f"format: jb-book\nroot: intro\nparts:\n- chapters:\n    - file: a\n      {below}"
    (tmp_path / "_toc.yml").write_text(toc)
    assert toc_docnames(tmp_path) == ["intro", "a", "a/b", "a/b/c", "d"]


def test_a_chapter_names_every_study_that_it_imports(tmp_path):
    start = "from multiconvex.studies import"
    (tmp_path / "chapter.md").write_text(f"# Title\n{start} one as study, two\n{start} three\n")
    assert read_chapter(tmp_path, "chapter").studies == ("one", "two", "three")


@pytest.mark.parametrize("room", ["studies", "viz"])
def test_the_reference_of_chapters_divides_a_room(room):
    stems = ["", *(chapter.stem for chapter in chapters(ROOT))]
    pieces = [list(objects) for stem in stems for objects in shown(ROOT, room, stem).values()]
    names = [name for piece in pieces for name in piece]
    assert sorted(names) == sorted(documented(room))


def test_a_module_with_a_room_of_its_own_leaves_the_larger_one():
    names = {module.__name__ for module in shown(ROOT, "models")}
    (alone,) = shown(ROOT, "models.dictionary_lra")
    assert alone.__name__ not in names
    assert "multiconvex.models.nmf" in names


def test_objects_are_shown_with_the_module_from_which_a_reader_imports_them():
    rooms = shown(ROOT, "studies", "mixed_sparse_coding")
    (module,) = rooms
    assert module.__name__ == "multiconvex.studies.mixed_sparse_coding"
    assert all(name.startswith(f"{module.__name__}.") for name in rooms[module])


def test_public_objects_are_described_by_their_own_source():
    entry = describe("multiconvex.alternate")
    assert entry.source == ROOT / "src/multiconvex/engine.py"
    assert "def alternate" in entry.source.read_text(encoding="utf-8").splitlines()[entry.line - 1]
    assert entry.summary.endswith(".")
    assert "multiconvex.viz" not in public_names()


def test_the_test_named_after_a_module_is_preferred(tmp_path):
    entry = describe("multiconvex.alternate")
    for name, mentions in (("test_engine.py", 1), ("test_many.py", 9)):
        (tmp_path / "tests").mkdir(exist_ok=True)
        (tmp_path / "tests" / name).write_text("alternate\n" * mentions)
    assert best_test(tmp_path, entry) == "tests/test_engine.py"
    (tmp_path / "tests/test_engine.py").unlink()
    assert best_test(tmp_path, entry) == "tests/test_many.py"
    assert best_test(tmp_path / "src", entry) is None


PAGE = "# A page\n\n{body}\n"
NOTEBOOK = (
    "---\nkernelspec: {{name: python3, display_name: Python 3}}\n"
    "jupytext: {{text_representation: {{extension: .md, format_name: myst}}}}\n---\n"
    "# A page\n\n## A section\n\n```{{code-cell}} ipython3\n{body}\n```\n"
)
DEFECTS = {
    "a failing cell": (NOTEBOOK.format(body="1 / 0"), "ZeroDivisionError"),
    "a warning on the page": (
        NOTEBOOK.format(body="import warnings; warnings.warn('old')"),
        "stderr was found",
    ),
    "output on stderr": (
        NOTEBOOK.format(body="import sys; print('oops', file=sys.stderr)"),
        "stderr was found",
    ),
    "a warning of MyST": (PAGE.format(body="```{nonsense}\n```"), "Unknown directive type"),
    "an undefined reference": (PAGE.format(body="{numref}`fig-nowhere`"), "fig-nowhere"),
    "an undefined object": (PAGE.format(body="{py:class}`multiconvex.Nowhere`"), "Nowhere"),
    "an undefined citation": (PAGE.format(body="{cite:p}`nobody1900`"), "nobody1900"),
}


@pytest.fixture(scope="module")
def small_book(tmp_path_factory):
    """The book's own configuration around a single page."""
    root = tmp_path_factory.mktemp("book")
    for name in ("_config.yml", "pyproject.toml", "requirements.lock", "references.bib"):
        shutil.copy(ROOT / name, root)
    for name in ("_ext", "_static"):
        shutil.copytree(ROOT / name, root / name)
    (root / "src").mkdir()
    (root / ".venv").symlink_to(ROOT / ".venv")
    (root / "_toc.yml").write_text("format: jb-book\nroot: page\n")
    return root


def build(root: Path, page: str):
    """Exit code and log of a build of one page."""
    (root / "page.md").write_text(page)
    script = ["sh", str(ROOT / "tools/build-book")]
    done = subprocess.run(script, cwd=root, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.xdist_group("small-book")
def test_a_sound_page_is_built(small_book):
    code, log = build(small_book, NOTEBOOK.format(body="1 + 1"))
    assert code == 0, log
    assert (small_book / "_build/site.ok").exists()


@pytest.mark.slow
@pytest.mark.xdist_group("small-book")
@pytest.mark.parametrize("defect", DEFECTS)
def test_the_build_fails_on(small_book, defect):
    page, reason = DEFECTS[defect]
    code, log = build(small_book, page)
    assert code != 0
    assert reason in log
    assert not (small_book / "_build/site.ok").exists()
