"""All pages of the built site as one document, to be printed as a book.

The pages are taken as readers see them, so that nothing is executed or formatted twice.
Identifiers get the name of their page, links between pages become links within the document, and
links to what is not in the book lead to the published site.
"""

import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

from bs4 import BeautifulSoup

ARTICLE = re.compile(r'<article class="bd-article".*?</article>', re.DOTALL)
HIDDEN_FRAMES = re.compile(r"<template\b.*?</template>", re.DOTALL)
DRAWING = re.compile(r"<svg\b.*?</svg>", re.DOTALL)
PLACE_OF_DRAWING = re.compile(r"<!--drawing (\d+)-->")
# Links to headings, forms and buttons; cells that only prepare numbers are folded on the page.
OFF_PAPER = ".headerlink, .screen-only, .above-input, noscript"
MOVING = ".mbx-knob, .mbx-drag, audio"
NAMING = {"id", "for", "aria-labelledby", "aria-describedby"}
HEADING = re.compile("h[1-5]$")


@dataclass(frozen=True)
class Book:
    """Pages of a built site, by part, with what the title page says of them."""

    site: Path
    parts: tuple[tuple[str, tuple[str, ...]], ...]
    published: str
    title: str
    subtitle: str
    version: str

    @property
    def docnames(self) -> list[str]:
        return [name for _, names in self.parts for name in names]


def anchor(docname: str, fragment: str = "") -> str:
    """Where a page, or a place on it, stands in the document.

    Examples
    --------
    >>> anchor("front/atlas"), anchor("chapters/a", "fig-1")
    ('front-atlas', 'chapters-a--fig-1')
    """
    page = docname.replace("/", "-")
    return f"{page}--{fragment}" if fragment else page


def document(book: Book) -> str:
    """The whole book as HTML: title, contents, then part by part its pages."""
    titles, pages = {}, {}
    for name in book.docnames:
        titles[name], pages[name] = _article(book, name)
    body = [_title_page(book), _contents(book, titles)]
    for caption, names in book.parts:
        if caption:
            body.append(f'<section class="part"><h1>{escape(caption)}</h1></section>')
        body += [pages[name] for name in names]
    return (
        '<!DOCTYPE html><html lang="en" data-theme="light" data-mode="light"><head>'
        f'<meta charset="utf-8"><title>{escape(book.title)}</title>{_assets(book)}'
        f"<style>{_running_heads(book, titles)}</style>"
        f'</head><body class="paper"><main class="bd-content">{"".join(body)}</main></body></html>'
    )


def _article(book: Book, docname: str) -> tuple[str, str]:
    """Title and text of one page, its links and identifiers made those of the document."""
    text = ARTICLE.search((book.site / f"{docname}.html").read_text(encoding="utf-8"))[0]
    drawings = []

    def set_aside(match):
        drawings.append(match[0])
        return f"<!--drawing {len(drawings) - 1}-->"

    text = DRAWING.sub(set_aside, HIDDEN_FRAMES.sub("", text))
    article = BeautifulSoup(text, "html.parser").article
    _leave_out(article)
    page = (book.site / f"{docname}.html").as_uri()
    for element in article.find_all(True):
        if element.name == "a" and element.has_attr("href"):
            element["href"] = _target(book, docname, element["href"])
        elif element.name == "img":
            element["src"] = urljoin(page, element["src"])
        elif HEADING.match(element.name):
            element.name = f"h{int(element.name[1]) + 1}"
    _lead_to_the_web(article, book.published + f"{docname}.html")
    for element in article.find_all(True):
        for name in element.attrs.keys() & NAMING:
            element[name] = [anchor(docname, x) for x in element.get_attribute_list(name)]
    article["id"], article["style"] = anchor(docname), f"page:{_page_name(book, docname)}"
    title = article.h2.get_text().strip()
    return title, PLACE_OF_DRAWING.sub(lambda match: drawings[int(match[1])], str(article))


def _leave_out(article) -> None:
    """Remove what is of no use on paper; what draws itself keeps its script."""
    for element in article.select(OFF_PAPER):
        element.decompose()
    for script in article.select("script"):
        if script.find_parent(class_="mbx-drag") is None:
            script.decompose()
    for fold in article.select("details"):
        fold["open"] = ""


def _lead_to_the_web(article, address: str) -> None:
    """Say below what moves or sounds where it does so."""
    for element in article.select(MOVING):
        what = "Listen to it" if element.name == "audio" else "Move it"
        figure = element.find_parent(id=True)
        place = f"{address}#{figure['id']}" if figure is not None else address
        note = BeautifulSoup(
            f'<p class="on-the-web"><a href="{place}">{what} on the web page</a></p>', "html.parser"
        ).p
        if element.name == "audio":
            element.replace_with(note)
        else:
            element.insert_after(note)


def _target(book: Book, docname: str, link: str) -> str:
    """Where a link of one page leads in the document, or else on the published site.

    Examples
    --------
    >>> book = Book(Path("/site"), (("", ("intro", "front/atlas")),), "https://a.b/", "", "", "")
    >>> _target(book, "front/atlas", "../intro.html#here")
    '#intro--here'
    >>> _target(book, "front/atlas", "../genindex.html")
    'https://a.b/genindex.html'
    """
    absolute = urljoin(f"{book.published}{docname}.html", link)
    if not absolute.startswith(book.published):
        return link
    parts = urlsplit(absolute.removeprefix(book.published))
    page = unquote(parts.path).removesuffix(".html")
    if page not in book.docnames:
        return absolute
    return f"#{anchor(page, unquote(parts.fragment))}"


def _title_page(book: Book) -> str:
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    day = datetime.fromtimestamp(int(epoch), UTC) if epoch else datetime.now(UTC)
    logo = (book.site / "_static/logo.svg").as_uri()
    return (
        f'<section class="title-page"><img src="{logo}" alt=""><p class="title">'
        f'{escape(book.title)}</p><p class="subtitle">{escape(book.subtitle)}</p>'
        f"<p>Version {escape(book.version)}, {day:%-d %B %Y}</p>"
        f'<p><a href="{book.published}">{book.published}</a></p>'
        "<p>The text and the figures may be reused under the licence CC BY 4.0, the code under the "
        "BSD 3-clause licence. Figures with a slider show its first position, and cells that only "
        "prepare numbers are left out: the web pages have both.</p></section>"
    )


def _contents(book: Book, titles: dict[str, str]) -> str:
    """A list of the pages; the numbers are filled in when the document has been paged."""
    lists = []
    for caption, names in book.parts:
        entries = "".join(
            f'<li><a href="#{anchor(name)}">{escape(titles[name])}</a>'
            f'<span class="folio" data-place="{anchor(name)}"></span></li>'
            for name in names
        )
        lists.append(f"<p>{escape(caption)}</p><ul>{entries}</ul>")
    return f'<nav class="book-contents"><h1>Contents</h1>{"".join(lists)}</nav>'


def _page_name(book: Book, docname: str) -> str:
    return f"p{book.docnames.index(docname)}"


def _running_heads(book: Book, titles: dict[str, str]) -> str:
    """At the head of each page of paper, the title of what it belongs to."""
    return "".join(
        f"@page {_page_name(book, name)}{{@top-left{{content:{_css_string(title)}}}}}"
        for name, title in titles.items()
    )


def _css_string(text: str) -> str:
    """Text as CSS writes it, also inside a style element.

    Examples
    --------
    >>> _css_string('1. "A" < b')
    '"1. \\\\22 A\\\\22  \\\\3c  b"'
    """
    return '"' + re.sub(r'["\\<\n]', lambda match: f"\\{ord(match[0]):x} ", text) + '"'


def _assets(book: Book) -> str:
    """Style sheets of the pages, the mathematics, and what paper needs beyond them."""
    scripts, found = ("mathjax", "print.js"), {}
    for docname in book.docnames:
        page = book.site / f"{docname}.html"
        head = BeautifulSoup(page.read_text(encoding="utf-8").split("</head>")[0], "html.parser")
        for element in head.select('link[rel="stylesheet"], script'):
            source = element.get("href") or element.get("src") or ""
            wanted = any(name in source for name in scripts) or "window.MathJax" in element.text
            if element.name == "link" or wanted:
                name = "href" if element.name == "link" else "src"
                if source:
                    element[name] = urljoin(page.as_uri(), source)
                found[str(element)] = None
    paper = Path(__file__).with_name("paper.css").read_text(encoding="utf-8")
    return "".join(found) + f"<style>{paper}</style>"
