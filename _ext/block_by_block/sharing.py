"""What search engines and messengers show of a page: a description, and a card with a figure."""

import re
from html import escape, unescape
from pathlib import Path

from docutils import nodes

from .address import read_address
from .book_map import part_of
from .cards import SIZE, draw_card
from .hops import BOX

FIGURE = re.compile(r'<svg\b[^>]*class="mbx-picture".*?</svg>', re.DOTALL)
LABEL = re.compile(r'aria-label="([^"]*)"')
LONGEST = 200
FOLDER = "cards"
BOOK = "Block by Block"


def describe(doctree, title: str) -> str:
    """What a page is for: the promise in the opening box of a chapter, else its first paragraph."""
    for box in doctree.findall(nodes.admonition):
        if BOX in box["classes"]:
            return shorten(_promise(next(box.findall(nodes.paragraph))))
    text = (
        one.astext()
        for one in doctree.findall(nodes.paragraph)
        if isinstance(one.parent, nodes.section) and next(one.findall(nodes.math), None) is None
    )
    return shorten(next(text, f"{title}, a page of {BOOK}: multi-convex models in Python"))


def _promise(paragraph) -> str:
    """The text up to the second label in bold."""
    text, labels = "", 0
    for node in paragraph.children:
        labels += isinstance(node, nodes.strong)
        if labels > 1:
            break
        text += node.astext()
    return text


def shorten(text: str) -> str:
    """The text on one line, cut after a word where it is too long for a description."""
    line = " ".join(text.split())
    if len(line) <= LONGEST:
        return line
    return line[: LONGEST - 1].rpartition(" ")[0].rstrip(" ,;:.") + "…"


def tags(title: str, description: str, address: str, picture: str, shown: str) -> str:
    """The elements of a page's head that describe it."""
    named = {"description": description, "twitter:card": "summary_large_image"}
    graph = {
        "type": "article",
        "site_name": BOOK,
        "title": title,
        "description": description,
        "url": address,
        "image": picture,
        "image:width": SIZE[0],
        "image:height": SIZE[1],
        "image:alt": shown,
    }
    lines = [f'<meta name="{name}" content="{escape(value)}" />' for name, value in named.items()]
    lines += [
        f'<meta property="og:{name}" content="{escape(str(value))}" />'
        for name, value in graph.items()
    ]
    return "\n".join(lines)


def add_tags(app, pagename, templatename, context, doctree):
    """Describe a page in its head."""
    if doctree is None or app.builder.format != "html":
        return
    title, base = app.env.titles[pagename].astext(), read_address(Path(app.srcdir)).pages
    card, shown = _card(app, pagename, title, context["body"])
    address, picture = f"{base}{pagename}.html", f"{base}{FOLDER}/{card}"
    head = tags(title, describe(doctree, title), address, picture, shown)
    context["metatags"] = context.get("metatags", "") + head


def _card(app, pagename, title, body) -> tuple[str, str]:
    """File name of a page's card, which is drawn if it is not there, and what it shows.

    A chapter has its own, with its first figure; the other pages share one with the logo.
    """
    root = Path(app.srcdir)
    figure = FIGURE.search(body) if pagename.startswith("chapters/") else None
    if figure:
        name, shown = pagename.replace("/", "-"), unescape(LABEL.search(figure[0])[1])
        parts = title, part_of(root, pagename), figure[0]
    else:
        name, shown = "book", BOOK
        parts = BOOK, "A Jupyter Book", (root / app.config.html_logo).read_text(encoding="utf-8")
    path = Path(app.outdir) / FOLDER / f"{name}.png"
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(draw_card(*parts))
    return path.name, shown


def setup(app):
    app.connect("html-page-context", add_tags)
