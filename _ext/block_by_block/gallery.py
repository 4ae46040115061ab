"""The gallery: every figure of every chapter, small, with the first sentence of its caption.

The figures are taken from the chapters when all of them have been read, and each is written once
to the folder of images.
"""

from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import Directive

from .book_map import read_chapter
from .parts import parts
from .thumbnails import first_picture, thumbnail

FOLDER = "_images/gallery"


class figures_of(nodes.General, nodes.Element):
    """Where the figures of one chapter go when all chapters have been read."""


class Gallery(Directive):
    """A section for each part, in it one for each chapter."""

    def run(self):
        root = Path(self.state.document.settings.env.srcdir)
        sections = []
        for part in parts(root):
            section = nodes.section(ids=[part.name], classes=["gallery-part"])
            section += nodes.title(text=part.caption)
            for docname in part.docnames:
                chapter = read_chapter(root, docname)
                below = nodes.section(ids=[f"figures-{nodes.make_id(chapter.stem)}"])
                below += [nodes.title(text=chapter.title), figures_of("", docname=docname)]
                section += below
            sections.append(section)
        return sections


def fill(app, doctree, docname):
    """Put the figures in their places."""
    places = list(doctree.findall(figures_of))
    for place in places:
        cards = nodes.bullet_list(classes=["gallery"])
        cards += [_card(app, docname, place["docname"], figure) for figure in _figures(app, place)]
        place.replace_self(cards)
    if places:
        written = any(doctree.findall(nodes.math))
        app.env.get_domain("math").data["has_equations"][docname] = written


def _figures(app, place) -> list[nodes.figure]:
    chapter = app.env.get_doctree(place["docname"])
    return [figure for figure in chapter.findall(nodes.figure) if figure["ids"]]


def _card(app, here: str, docname: str, figure: nodes.figure) -> nodes.list_item:
    name = figure["ids"][0]
    number = app.env.toc_fignumbers.get(docname, {}).get("figure", {}).get(name, ())
    link = nodes.reference(
        "", "", refuri=f"{app.builder.get_relative_uri(here, docname)}#{name}", internal=True
    )
    link += _picture(app, here, name, figure)
    link += nodes.inline("", f"Fig. {'.'.join(map(str, number))} ", classes=["gallery-number"])
    caption = next(figure.findall(nodes.caption))
    link += nodes.inline("", "", *first_sentence(caption), classes=["gallery-caption"])
    return nodes.list_item("", nodes.paragraph("", "", link), classes=["gallery-card"])


def _picture(app, here: str, name: str, figure: nodes.figure) -> nodes.Node:
    """The thumbnail in both themes; a figure without a drawing, such as a sound, has a sign."""
    drawings = (first_picture(raw.astext()) for raw in figure.findall(nodes.raw))
    drawing = next(filter(None, drawings), None)
    if drawing is None:
        return nodes.raw(
            "", '<span class="gallery-sound" aria-hidden="true">♪</span>', format="html"
        )
    file = Path(app.outdir) / FOLDER / f"{name}.svg"
    if app.builder.format == "html":
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(thumbnail(drawing), encoding="utf-8")
    address = "../" * here.count("/") + f"{FOLDER}/{name}.svg"
    images = "".join(
        f'<img class="only-{theme}" src="{address}{end}" alt="" loading="lazy" '
        'width="432" height="243">'
        for theme, end in (("light", ""), ("dark", "#dark"))
    )
    return nodes.raw("", f'<span class="gallery-picture">{images}</span>', format="html")


def first_sentence(caption: nodes.Element) -> list[nodes.Node]:
    """The text of a caption up to its first full stop, links replaced by what they say."""
    kept = []
    for child in caption.children:
        if not isinstance(child, nodes.Text):
            kept.append(_plain(child))
            continue
        sentence, stop, _ = child.astext().replace("\n", " ").partition(". ")
        kept.append(nodes.Text(sentence + stop.strip()))
        if stop:
            break
    return kept


def _plain(node: nodes.Node) -> nodes.Node:
    keeps_its_form = isinstance(node, (nodes.math, nodes.literal, nodes.emphasis))
    return node.deepcopy() if keeps_its_form else nodes.Text(node.astext())


def setup(app):
    app.add_node(figures_of)
    app.add_directive("gallery", Gallery)
    app.connect("doctree-resolved", fill)
