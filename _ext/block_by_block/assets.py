"""Scripts and colours that are copied or generated while the book is built, never committed."""

import re
import shutil
from importlib.util import find_spec
from pathlib import Path

SEARCH = re.compile(
    r'\s*<script src="[^"]*(?:searchtools|language_data|searchindex)\.js[^"]*"></script>'
)
MATHJAX_PARTS = ("tex-chtml.js", "output/chtml/fonts/woff-v2", "input/tex/extensions")


def palette_css() -> str:
    """The style sheet of the figures' colours: one rule for each theme."""
    from multiconvex.viz import palette

    rules = []
    for theme, colours in (("light", palette.LIGHT), ("dark", palette.DARK)):
        lines = "\n".join(f"  --mbx-{name}: {value};" for name, value in colours.items())
        rules.append(f'html[data-theme="{theme}"] {{\n{lines}\n}}\n')
    return "".join(rules)


def generate(app):
    """Write the palette where Sphinx finds it, before the style sheets of the theme are linked."""
    folder = Path(app.outdir).parent / "generated"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "palette.css").write_text(palette_css(), encoding="utf-8")
    app.config.html_static_path.append(str(folder))
    app.add_css_file("palette.css", priority=400)


def copy_mathjax(app, exception):
    """Copy what a page asks of MathJax from the package that holds it."""
    if exception is not None or app.builder.format != "html":
        return
    package = Path(find_spec("sphinx-mathjax-offline").origin).parent / "static" / "mathjax"
    target = Path(app.outdir) / "_static" / "mathjax"
    for part in MATHJAX_PARTS:
        (target / part).parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (package / part).is_dir() else shutil.copyfile
        copy(package / part, target / part)


def drop_source_maps(app, exception):
    """The theme's source maps are larger than the whole book and serve its developers only."""
    for path in (Path(app.outdir) / "_static").rglob("*.map"):
        path.unlink()


def drop_search_index(app, exception):
    """The theme has every page load the search, for results as one types, which are off here."""
    if exception is not None or app.builder.format != "html":
        return
    for path in Path(app.outdir).rglob("*.html"):
        page = path.read_text(encoding="utf-8")
        if path.name != "search.html" and SEARCH.search(page):
            path.write_text(SEARCH.sub("", page), encoding="utf-8")


def remove_thebe(app):
    """Disconnect sphinx-thebe, which Jupyter Book loads whether or not it is used.

    It writes a script that fails on every page and names a host outside the site.
    """
    for listeners in app.events.listeners.values():
        listeners[:] = [entry for entry in listeners if entry.handler.__module__ != "sphinx_thebe"]
    app.registry.css_files[:] = [
        (name, attributes)
        for name, attributes in app.registry.css_files
        if name != "sphinx-thebe.css"
    ]


def setup(app):
    remove_thebe(app)
    app.connect("builder-inited", generate)
    app.connect("build-finished", copy_mathjax)
    app.connect("build-finished", drop_source_maps, priority=900)
    app.connect("build-finished", drop_search_index)
