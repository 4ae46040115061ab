"""One hop from a chapter to its code, its study and its tests, and back."""

import inspect
import pkgutil
import re
from importlib import import_module

import pytest
from block_by_block.api import ROOM
from block_by_block.book_map import (
    best_test,
    chapters,
    describe,
    public_names,
    title,
    toc_docnames,
)
from pages import ROOT

CHAPTERS = chapters(ROOT)
EXPLAINED = [(chapter, name) for chapter in CHAPTERS for name in chapter.algorithms]

STUDIES = sorted(
    info.name
    for info in pkgutil.iter_modules(import_module("multiconvex.studies").__path__)
    if not info.name.startswith("_")
)


def source(chapter):
    return (ROOT / f"{chapter.docname}.md").read_text(encoding="utf-8")


def experiments(study):
    """Public functions that a study module defines."""
    module = import_module(study)
    return [
        name
        for name, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == study and not name.startswith("_")
    ]


def test_every_chapter_file_is_in_the_table_of_contents():
    written = {
        path.relative_to(ROOT).with_suffix("").as_posix()
        for path in (ROOT / "chapters").rglob("*.md")
    }
    assert written == {name for name in toc_docnames(ROOT) if name.startswith("chapters/")}


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.stem)
def test_a_chapter_says_which_algorithms_it_explains(chapter):
    assert chapter.algorithms
    assert all(name in public_names() for name in chapter.algorithms)


@pytest.mark.parametrize(("chapter", "name"), EXPLAINED, ids=[name for _, name in EXPLAINED])
def test_an_explained_object_names_its_chapter_guarantee_and_cost(chapter, name):
    entry = describe(name)
    assert entry.chapters == (chapter.docname,)
    assert entry.guarantee
    assert entry.cost


@pytest.mark.parametrize("name", public_names())
def test_an_object_that_names_a_chapter_is_listed_there(name):
    named = describe(name).chapters
    listed = tuple(chapter.docname for chapter in CHAPTERS if name in chapter.algorithms)
    assert named == listed


@pytest.mark.parametrize(("chapter", "name"), EXPLAINED, ids=[name for _, name in EXPLAINED])
def test_an_explained_object_is_used_by_its_chapter_and_tested(chapter, name):
    short = name.rsplit(".", 1)[1]
    assert re.search(rf"\b{short}\b", source(chapter))
    assert best_test(ROOT, describe(name)), f"no test names {short}"


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.stem)
def test_a_chapter_and_its_study_share_a_stem(chapter):
    assert chapter.stem in STUDIES
    assert chapter.stem in chapter.studies


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.stem)
def test_a_chapter_has_its_page_of_the_reference(chapter):
    docname = f"front/api/studies/{chapter.stem}"
    assert docname in toc_docnames(ROOT)
    page = (ROOT / f"{docname}.md").read_text(encoding="utf-8")
    assert ROOM.findall(page) == [("studies", chapter.stem), ("viz", chapter.stem)]
    assert f"{{doc}}`/{chapter.docname}`" in page
    assert title(page) == f"{chapter.title}: studies"


@pytest.mark.parametrize("stem", STUDIES)
def test_a_study_belongs_to_one_chapter_and_has_a_test_of_its_name(stem):
    assert sum(stem in chapter.studies for chapter in CHAPTERS) == 1
    assert (ROOT / f"tests/studies/test_{stem}.py").is_file()


@pytest.mark.parametrize("stem", STUDIES)
def test_every_experiment_is_shown_and_tested(stem):
    pages = [source(chapter) for chapter in CHAPTERS if stem in chapter.studies]
    test = (ROOT / f"tests/studies/test_{stem}.py").read_text(encoding="utf-8")
    for name in experiments(f"multiconvex.studies.{stem}"):
        assert any(re.search(rf"\b{name}\(", page) for page in pages), f"{name} is in no cell"
        assert re.search(rf"\b{name}\(", test), f"{name} has no test"
