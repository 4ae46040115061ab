"""The built site and the extension that builds it, for the tests of the book."""

import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1] / "_ext")]

from pages import ROOT, parsed  # noqa: E402


@pytest.fixture(scope="session")
def site() -> Path:
    """The folder of the built site."""
    if not (ROOT / "_build/site.ok").exists():
        pytest.fail("The site is not built, or its build failed: run `make book`.", pytrace=False)
    return ROOT / "_build/html"


@pytest.fixture(scope="session")
def soup(site):
    """Parsed page of a document name such as ``front/atlas``."""
    return lambda docname: parsed(site / f"{docname}.html")
