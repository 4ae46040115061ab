"""Where a notebook opens besides Binder: the menu of the rocket gets an entry for Colab."""

from pathlib import Path

from .address import read_address

MENU = "launch-buttons"


def add_colab(app, pagename, templatename, context, doctree):
    """Colab opens the download of the page, which installs the package in its first cell."""
    for menu in context.get("header_buttons", ()):
        if menu.get("label") == MENU:
            menu["buttons"].append(
                {
                    "type": "link",
                    "text": "Colab",
                    "tooltip": "Launch on Colab",
                    "icon": "_static/images/logo_colab.png",
                    "url": read_address(Path(app.srcdir)).colab(pagename),
                }
            )


def setup(app):
    # After the theme has filled its menus.
    app.connect("html-page-context", add_colab, priority=600)
