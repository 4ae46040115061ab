"""Where copies of the fetched files are."""

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"


@pytest.fixture
def shared(monkeypatch):
    if not SHARED.is_dir():
        pytest.skip("the folder ../shared/data with copies of the fetched files is not there")
    monkeypatch.setenv("MULTICONVEX_DATA", str(SHARED))
