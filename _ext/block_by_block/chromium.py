"""The browser that prints the book and opens its pages in tests."""

import os
import shutil

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MISSING = "No Chromium on the path: on Debian, apt-get install chromium, or name one in CHROMIUM."


def executable() -> str | None:
    """Chromium, or whatever ``CHROMIUM`` names; nothing where there is none."""
    named = [os.environ["CHROMIUM"]] if os.environ.get("CHROMIUM") else NAMES
    return next(filter(None, map(shutil.which, named)), None)
