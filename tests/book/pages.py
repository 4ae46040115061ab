"""Where the book is, and its built pages."""

from functools import cache
from pathlib import Path

from bs4 import BeautifulSoup

ROOT = Path(__file__).resolve().parents[2]


@cache
def parsed(path: Path) -> BeautifulSoup:
    """One page, parsed once."""
    return BeautifulSoup(path.read_bytes(), "html.parser")
