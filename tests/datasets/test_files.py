"""Files are fetched once, verified always, and never half written."""

import hashlib
import http.server
import re
import threading
from dataclasses import replace

import pooch
import pytest

from multiconvex import datasets
from multiconvex.datasets import _files
from multiconvex.datasets._files import FILES, fetch

CONTENT = b"not a real data set" * 50


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr(_files, "cache_folder", lambda: tmp_path / "cache")
    monkeypatch.delenv("MULTICONVEX_DATA", raising=False)
    return tmp_path / "cache"


class Server(http.server.BaseHTTPRequestHandler):
    """Sends CONTENT, or what the path asks for, and counts the requests."""

    asked = 0

    def do_GET(self):
        type(self).asked += 1
        self.send_response(404 if self.path.endswith("missing.mat") else 200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT)

    def log_message(self, *args):
        pass


@pytest.fixture
def url():
    Server.asked = 0
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def publish(url, monkeypatch):
    def published(name="file.mat", content=CONTENT):
        sha256 = hashlib.sha256(content).hexdigest()
        file = replace(FILES["samson"], url=f"{url}/{name}", sha256=sha256)
        monkeypatch.setitem(FILES, "samson", file)
        return file

    return published


def test_a_file_is_fetched_once_without_a_word(cache, publish):
    """A page shows what is printed, so that nothing may be."""
    publish()
    said = []
    logger = pooch.get_logger()
    logger.setLevel("INFO")
    logger.addFilter(said.append)
    assert fetch("samson").read_bytes() == CONTENT
    assert fetch("samson") == cache / "unmixing/samson.mat"
    assert Server.asked == 1
    logger.removeFilter(said.append)
    assert said == []


def test_another_content_than_published_is_refused_and_not_kept(cache, publish):
    publish(content=b"the published content")
    with pytest.raises(datasets.DataCorrupted, match="is not the published file"):
        fetch("samson")
    assert not [path for path in cache.rglob("*") if path.is_file()]


def test_a_missing_address_is_unavailable(cache, publish):
    publish("missing.mat")
    with pytest.raises(datasets.DataUnavailable, match=r"could not be fetched .*HTTPError"):
        fetch("samson")
    assert not [path for path in cache.rglob("*") if path.is_file()]


def test_offline_says_what_where_how_and_what_instead(cache, monkeypatch):
    file = replace(FILES["samson"], url="http://127.0.0.1:9/samson.mat")
    monkeypatch.setitem(FILES, "samson", file)
    with pytest.raises(datasets.DataUnavailable) as caught:
        datasets.load_samson()
    message = str(caught.value)
    for part in ("'samson'", file.url, file.path, "MULTICONVEX_DATA", str(cache), "make_mixture"):
        assert part in message
    assert "ConnectionError" in message


def test_a_changed_copy_in_the_cache_is_refused(cache, publish):
    publish()
    fetch("samson").write_bytes(CONTENT[:-1])
    with pytest.raises(datasets.DataCorrupted, match=r"samson.mat is not .* delete it"):
        fetch("samson")
    assert Server.asked == 1


def test_the_named_folder_is_used_first_and_verified(cache, publish, tmp_path, monkeypatch):
    publish()
    monkeypatch.setenv("MULTICONVEX_DATA", str(tmp_path / "mine"))
    copy = tmp_path / "mine/unmixing/samson.mat"
    copy.parent.mkdir(parents=True)
    copy.write_bytes(CONTENT)
    assert fetch("samson") == copy
    copy.write_bytes(b"")
    with pytest.raises(datasets.DataCorrupted, match="mine"):
        fetch("samson")
    copy.unlink()
    assert fetch("samson") == cache / "unmixing/samson.mat"
    assert Server.asked == 1


@pytest.mark.parametrize("name", FILES)
def test_addresses_are_fixed_and_checksums_complete(name):
    file = FILES[name]
    assert re.fullmatch(r"[0-9a-f]{64}", file.sha256)
    assert re.search(r"/[0-9a-f]{40}/", file.url) and file.url.startswith("https://")
    assert hasattr(datasets, file.simulator) and hasattr(datasets, f"load_{name.partition('.')[0]}")
    assert file.licence and file.citation and file.size > 0


def test_a_file_of_another_kind_is_refused(cache, publish):
    import io

    import numpy as np
    from scipy.io import savemat

    buffer = io.BytesIO()
    savemat(buffer, {"Y": np.eye(3)})
    content = buffer.getvalue()
    file = publish(content=content)
    (cache / file.path).parent.mkdir(parents=True)
    (cache / file.path).write_bytes(content)
    with pytest.raises(datasets.DataCorrupted, match="has no array 'S_GT'"):
        datasets.load_samson()


def test_simulated_data_stand_in_and_say_so(cache, monkeypatch):
    monkeypatch.setitem(FILES, "moffett", replace(FILES["moffett"], url="http://127.0.0.1:9/m"))
    scene = datasets.load_or_simulate("moffett", random_state=3)
    assert scene.origin == "simulated"
    assert scene.cube.shape == (50, 50, 184)
    assert "moffett data could not be fetched" in scene.note
    assert (scene.cube == datasets.load_or_simulate("moffett", random_state=3).cube).all()


def test_corrupted_data_are_never_replaced(cache, publish):
    publish(content=b"other")
    with pytest.raises(datasets.DataCorrupted):
        datasets.load_or_simulate("samson")


def test_unknown_set_is_refused():
    with pytest.raises(ValueError, match=r"name must be one of \['amino_acids', .*got 'mars'"):
        datasets.load_or_simulate("mars")
