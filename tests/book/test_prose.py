"""The prose of the chapters: how they end, and one spelling for one word."""

import posixpath
import re
from itertools import pairwise

import jupytext
import pytest
from block_by_block.book_map import chapters
from pages import ROOT

CHAPTERS = [chapter.docname for chapter in chapters(ROOT)]
CLOSING = re.compile(
    r"^## To remember\n\n(?P<points>(?:- .+\n(?:  .+\n)*){3})"
    r"\n\*\*Next\.\*\* (?P<next>(?:.+\n)+)"
    r"\n\*\*Further reading\.\*\* (?P<reading>(?:.+\n)+)\Z",
    re.MULTILINE,
)
# Left: what another spelling or another word would be. Right: ours.
OURS = {
    "percent": "per cent",
    "optimization": "optimisation",
    "factorization": "factorisation",
    "regularization": "regularisation",
    "initialization": "initialisation",
    "normalization": "normalisation",
    "minimize": "minimise",
    "minimizer": "minimiser",
    "programmes": "programs",
    "learnt": "learned",
    "center": "centre",
    "color": "colour",
    "gray": "grey",
    "neighbor": "neighbour",
    "behavior": "behaviour",
    "modeling": "modelling",
}


def closing(docname):
    found = CLOSING.search((ROOT / f"{docname}.md").read_text(encoding="utf-8"))
    assert found, "three points, then **Next.**, then **Further reading.**, and nothing after it"
    return found


def prose(docname):
    """What a reader reads: text and captions without code, formulas and targets of roles."""
    cells = jupytext.read(ROOT / f"{docname}.md", fmt="md:myst").cells
    text = "\n\n".join(
        cell.source
        if cell.cell_type == "markdown"
        else cell.metadata.get("mystnb", {}).get("figure", {}).get("caption", "")
        for cell in cells
    )
    text = re.sub(r"\$\$.*?\$\$|\$[^$]*\$", "x", text, flags=re.DOTALL)
    text = re.sub(r"^(?::\w+:.*|[`:]{3,}.*|\([\w-]+\)=)$", "", text, flags=re.MULTILINE)
    return re.sub(r"(?:\{[\w:]+\})?`[^`]*`", "y", text)


@pytest.mark.parametrize("docname", CHAPTERS)
def test_chapters_close_alike(docname):
    assert closing(docname)["reading"].count("{cite:t}") >= 3


@pytest.mark.parametrize(("docname", "following"), list(pairwise(CHAPTERS)))
def test_next_is_the_next_chapter(docname, following):
    first = re.search(r"\{doc\}`([^`]+)`", closing(docname)["next"])[1]
    assert posixpath.normpath(posixpath.join(posixpath.dirname(docname), first)) == following


@pytest.mark.parametrize("docname", CHAPTERS)
def test_no_word_is_written_twice(docname):
    assert re.findall(r"\b([A-Za-z]{2,}) \1\b", " ".join(prose(docname).split())) == []


@pytest.mark.parametrize("docname", CHAPTERS)
def test_one_spelling_for_one_word(docname):
    words = {word.lower() for word in re.findall(r"[^\W\d_]+", prose(docname))}
    assert {word: OURS[word] for word in words & set(OURS)} == {}
