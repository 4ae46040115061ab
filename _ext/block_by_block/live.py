"""Live code: a bar on each page that shows code, and the scripts that its button loads."""

import re
from html import escape
from pathlib import Path

from . import thebe
from .address import Address, read_address

# A cell that shows its code; pages whose cells are all folded are for looking.
CELL = re.compile(r'class="cell (?!tag_hide-)')
FOLDER = "_static/thebe"
# What the outputs of a kernel look like must not touch the page around them.
SCOPE = ".bbb-live-output"


def bar(address: Address, docname: str, scripts: str) -> str:
    """The button and the line of text below the title; `scripts` leads to the site's copy."""
    data = {
        "thebe": scripts,
        "repository": f"{address.owner}/{address.name}",
        "branch": address.branch,
        "binder": address.binder(f"{docname}.md"),
    }
    attributes = "".join(f' data-{name}="{escape(value)}"' for name, value in data.items())
    return (
        '<div class="bbb-live screen-only" role="region" aria-label="Live code" '
        f"hidden{attributes}>"
        '<div class="bbb-live-controls">'
        '<button type="button" class="bbb-live-button">Run this page</button></div>'
        '<p class="bbb-live-status" role="status"></p><p class="bbb-live-detail"></p></div>'
    )


def add_bar(app, pagename, templatename, context, doctree):
    """Below the title, where phones show it too."""
    body = context.get("body", "")
    if CELL.search(body):
        scripts = context["pathto"](f"{FOLDER}/", True)
        shown = bar(read_address(Path(app.srcdir)), pagename, scripts)
        context["body"] = body.replace("</h1>", f"</h1>\n{shown}", 1)


def scoped(sheet: str) -> str:
    """A style sheet that applies to outputs alone."""
    return f"@scope ({SCOPE}) {{\n{sheet.replace(':root', ':scope')}\n}}\n"


def copy_scripts(app, exception):
    if exception is not None or app.builder.format != "html":
        return
    folder = Path(app.outdir) / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in thebe.files().items():
        (folder / name).write_bytes(content)
    sheet = folder / "thebe.css"
    sheet.write_text(scoped(sheet.read_text(encoding="utf-8")), encoding="utf-8")


def setup(app):
    app.connect("html-page-context", add_bar)
    app.connect("build-finished", copy_scripts)
