"""Which model do I need: the table names what exists and reaches every chapter."""

import ast
import inspect

import pytest
from block_by_block.book_map import chapters, toc_docnames
from block_by_block.chooser import Advice, Question, leaves, read_questions
from pages import ROOT

import multiconvex

QUESTIONS = read_questions(ROOT)
LEAVES = list(leaves(QUESTIONS))
WAYS = [" / ".join(way) for way, _ in LEAVES]


def questions(question):
    """A question and all that follow from its answers."""
    yield question
    for answer in question.answers:
        if isinstance(answer.then, Question):
            yield from questions(answer.then)


@pytest.mark.parametrize("advice", [advice for _, advice in LEAVES], ids=WAYS)
def test_an_advice_calls_public_functions_with_options_that_they_have(advice):
    calls = [node for node in ast.walk(ast.parse(advice.call)) if isinstance(node, ast.Call)]
    assert calls
    for call in calls:
        assert call.func.id in multiconvex.__all__
        options = inspect.signature(getattr(multiconvex, call.func.id)).parameters
        assert {keyword.arg for keyword in call.keywords} <= set(options)
        assert len(call.args) + len(call.keywords) <= len(options)


@pytest.mark.parametrize("advice", [advice for _, advice in LEAVES], ids=WAYS)
def test_an_advice_leads_to_pages_of_the_book(advice):
    assert set(advice.pages) <= set(toc_docnames(ROOT))
    assert advice.because.endswith(".")


@pytest.mark.parametrize("advice", [advice for _, advice in LEAVES], ids=WAYS)
def test_the_chapter_and_the_template_of_an_advice_speak_of_what_is_called(advice):
    for docname in filter(None, (advice.chapter, advice.template)):
        page = (ROOT / f"{docname}.md").read_text(encoding="utf-8")
        assert advice.names[0] in page, docname


def test_every_chapter_is_reached_by_some_answer():
    reached = {page for _, advice in LEAVES for page in advice.pages}
    assert {chapter.docname for chapter in chapters(ROOT)} <= reached


def test_every_question_has_answers_to_choose_from():
    for question in questions(QUESTIONS):
        assert question.ask.endswith("?")
        names = [answer.name for answer in question.answers]
        assert len(names) >= 2
        assert len(set(names)) == len(names)


def test_no_reader_has_to_answer_more_than_three_questions():
    assert max(len(way) for way, _ in LEAVES) <= 3


def test_options_of_an_advice_are_read_in_the_order_of_its_text():
    advice = Advice("f(X, update=G(), acceleration=H())", "Why.", "a/b", ("a/c",), "a/d")
    assert advice.names == ("f", "G", "H")
    assert advice.pages == ("a/b", "a/c", "a/d")


def test_the_page_holds_every_answer_in_its_fold(soup):
    page = soup("front/choose")
    folds = page.select(".chooser details.chooser-answer")
    last = [fold for fold in folds if not fold.select("details")]
    assert len({fold["id"] for fold in folds}) == len(folds)
    assert len(last) == len(LEAVES)
    for fold, (way, advice) in zip(last, LEAVES):
        above = [fold, *fold.find_parents("details")][::-1]
        assert [f.select_one(".chooser-say").get_text() for f in above] == list(way)
        assert fold.select_one("pre").get_text().strip() == advice.call
        links = [link["href"] for link in fold.select("a.reference")]
        for name in advice.names:
            assert any(link.endswith(f"#multiconvex.{name}") for link in links)
        for docname in advice.pages:
            assert any(link.endswith(f"{docname.rsplit('/', 1)[1]}.html") for link in links)


def test_only_one_answer_of_a_question_is_open_at_a_time(soup):
    folds = soup("front/choose").select(".chooser details")
    for fold in folds:
        together = {other["name"] for other in fold.parent.find_all("details", recursive=False)}
        assert together == {fold["name"]}


def test_the_table_lists_every_advice(soup):
    rows = soup("front/choose").select(".choices tbody tr")
    assert len(rows) == len(LEAVES)
    for row, (way, advice) in zip(rows, LEAVES):
        said, start, where = row.find_all("td")
        assert way[-1] in said.get_text(" ", strip=True)
        assert advice.names[0] in start.get_text()
        assert where.a["href"].endswith(f"{advice.chapter.rsplit('/', 1)[1]}.html")
