"""The book on paper: every page offers the PDF that is published beside the site."""

from pathlib import Path

from .address import read_address

FILE = "block-by-block.pdf"


def offer(app, pagename, templatename, context, doctree):
    """One more entry below the ways to download a page."""
    address = read_address(Path(app.srcdir)).pages + FILE
    for button in context["header_buttons"]:
        if button["label"] == "download-buttons":
            button["buttons"].append(
                {
                    "type": "link",
                    "url": address,
                    "tooltip": "The whole book as one PDF",
                    "text": "Whole book, PDF",
                    "icon": "fas fa-book",
                    "label": "download-book-button",
                }
            )


def setup(app):
    # After the theme has put its own buttons together.
    app.connect("html-page-context", offer, priority=502)
