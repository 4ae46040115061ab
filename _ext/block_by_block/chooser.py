"""Which model do I need? A tree of questions, generated from one table of data.

The page is made of folds that a browser opens and closes by itself, one answer of a question at a
time; a script adds a way back and addresses that lead to an open answer.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path

import yaml
from docutils import nodes
from docutils.parsers.rst import Directive
from docutils.statemachine import StringList

from .book_map import read_chapter

TABLE = "front/choose.yml"


@dataclass(frozen=True)
class Advice:
    """Where a reader may begin: what to type, why, and where it is explained."""

    call: str
    because: str
    chapter: str
    see: tuple[str, ...] = ()
    template: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The names that are called, in the order in which they are written."""
        calls = [node for node in ast.walk(ast.parse(self.call)) if isinstance(node, ast.Call)]
        return tuple(dict.fromkeys(node.func.id for node in calls))

    @property
    def pages(self) -> tuple[str, ...]:
        """Every page to which the advice leads."""
        return (self.chapter, *self.see, *filter(None, (self.template,)))


@dataclass(frozen=True)
class Answer:
    """One answer and what follows from it."""

    say: str
    hint: str
    then: "Question | Advice"

    @property
    def name(self) -> str:
        """The answer as it is written in an address."""
        return nodes.make_id(self.say)


@dataclass(frozen=True)
class Question:
    """A question and its answers."""

    ask: str
    answers: tuple[Answer, ...]


def read_questions(root: Path) -> Question:
    """The whole tree."""
    return _question(yaml.safe_load((root / TABLE).read_text(encoding="utf-8")))


def _question(entry: dict) -> Question:
    return Question(entry["ask"], tuple(map(_answer, entry["answers"])))


def _answer(entry: dict) -> Answer:
    rest = {name: value for name, value in entry.items() if name not in ("say", "hint")}
    then = _question(rest) if "ask" in rest else Advice(**rest)
    if isinstance(then, Advice):
        then = replace(then, because=then.because.strip(), see=tuple(then.see))
    return Answer(entry["say"], entry.get("hint", ""), then)


def leaves(
    question: Question, way: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Advice]]:
    """Every advice with the answers that lead to it."""
    for answer in question.answers:
        here = (*way, answer.say)
        if isinstance(answer.then, Advice):
            yield here, answer.then
        else:
            yield from leaves(answer.then, here)


class Chooser(Directive):
    """The questions, each answer a fold that holds the next question or the advice."""

    def run(self):
        root = Path(self.state.document.settings.env.srcdir)
        holder = nodes.container(classes=["chooser", "screen-only"])
        lines = StringList(question_lines(root, read_questions(root)), TABLE)
        self.state.nested_parse(lines, self.content_offset, holder)
        return [holder]


class Choices(Directive):
    """Every advice in one table."""

    def run(self):
        root = Path(self.state.document.settings.env.srcdir)
        holder = nodes.container(classes=["choices"])
        lines = StringList(table_lines(root), TABLE)
        self.state.nested_parse(lines, self.content_offset, holder)
        return [holder]


def question_lines(root: Path, question: Question, place: str = "choose") -> list[str]:
    """A question in reStructuredText."""
    lines = _html(f'<p class="chooser-question">{escape(question.ask)}</p>')
    for answer in question.answers:
        name = f"{place}-{answer.name}"
        hint = f' <span class="chooser-hint">{escape(answer.hint)}</span>' if answer.hint else ""
        lines += _html(
            f'<details class="chooser-answer" id="{name}" name="{place}"><summary>'
            f'<span class="chooser-say">{escape(answer.say)}</span>{hint}</summary>'
            '<div class="chooser-then">'
        )
        if isinstance(answer.then, Question):
            lines += question_lines(root, answer.then, name)
        else:
            lines += advice_lines(root, answer.then)
        lines += _html("</div></details>")
    return lines


def advice_lines(root: Path, advice: Advice) -> list[str]:
    """An advice in reStructuredText."""
    further = [f"see also {_page(root, name)}" for name in advice.see[:1]]
    further += [_page(root, name) for name in advice.see[1:]]
    links = [f"Explained in {_page(root, advice.chapter)}", *further]
    lines = [f"Start with {_objects(advice)}:", "", ".. code-block:: python", ""]
    lines += [f"   {advice.call}", "", advice.because, "", f"{', '.join(links)}.", ""]
    if advice.template:
        lines += [f"With your own data: {_page(root, advice.template)}.", ""]
    return lines


def table_lines(root: Path) -> list[str]:
    """Every advice in one table, in reStructuredText."""
    lines = [".. list-table::", "   :header-rows: 1", "   :widths: 44 26 30", ""]
    lines += _row(("You have, you look for", "Start with", "Explained in"))
    questions = read_questions(root)
    for way, advice in leaves(questions):
        lines += _row((_told(questions, way), _objects(advice), _page(root, advice.chapter)))
    return lines


def _told(question: Question, way: tuple[str, ...]) -> str:
    """The answers in one line; the last one says little without the question that it answers."""
    *before, last = (f"{step.rstrip('.')}." for step in way)
    for step in way[:-1]:
        question = next(answer.then for answer in question.answers if answer.say == step)
    asked = [f"*{question.ask}*"] if before else []
    return " ".join([*before, *asked, last])


def _objects(advice: Advice) -> str:
    return ", ".join(f":py:obj:`~multiconvex.{name}`" for name in advice.names)


def _page(root: Path, docname: str) -> str:
    return f":doc:`{read_chapter(root, docname).title} </{docname}>`"


def _row(cells) -> list[str]:
    return [("   * - " if i == 0 else "     - ") + cell for i, cell in enumerate(cells)]


def _html(markup: str) -> list[str]:
    return [".. raw:: html", "", f"   {markup}", ""]


def setup(app):
    app.add_directive("chooser", Chooser)
    app.add_directive("choices", Choices)
