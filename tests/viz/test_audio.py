"""Players hold the sounds they are given, name them, and do not start by themselves."""

import base64
import io

import numpy as np
import pytest
import soundfile
from bs4 import BeautifulSoup

from multiconvex import viz

RATE = 22_050
CLOCK = np.arange(RATE) / RATE
SOUNDS = {"loud": 0.4 * np.sin(2 * np.pi * 440 * CLOCK), "soft": 0.1 * np.sin(2764.6 * CLOCK)}


@pytest.fixture
def page():
    shown = viz.players(SOUNDS, RATE, alt="Two tones & no more.")
    return BeautifulSoup(shown._repr_mimebundle_()["text/html"], "html.parser")


def test_each_player_is_named_waits_and_needs_nothing_else(page):
    assert page.div["role"] == "group" and page.div["aria-label"] == "Two tones & no more."
    players = page.find_all("audio")
    assert len(players) == 2 and not page.find_all("script")
    for player, name in zip(players, SOUNDS):
        assert page.find(id=player["aria-labelledby"]).get_text() == name
        assert player.has_attr("controls") and player["preload"] == "none"
        assert not player.has_attr("autoplay") and player["src"].startswith("data:audio/mpeg;")


def test_the_sounds_come_back_at_one_scale(page):
    for player, samples in zip(page.find_all("audio"), SOUNDS.values()):
        content = base64.b64decode(player["src"].partition("base64,")[2])
        decoded, rate = soundfile.read(io.BytesIO(content))
        assert rate == RATE
        expected = samples * 0.9 / 0.4
        size = np.sqrt(np.mean(decoded[4000:-4000] ** 2))
        assert size == pytest.approx(np.sqrt(np.mean(expected**2)), rel=0.05)


def test_same_bytes_twice():
    first, second = (viz.players(SOUNDS, RATE, alt="Tones.").html() for _ in range(2))
    assert first == second


def test_errors_say_what_to_do():
    with pytest.raises(ValueError, match="sounds is empty"):
        viz.players({}, RATE, alt="None.")
    with pytest.raises(ValueError, match="alt is empty"):
        viz.players(SOUNDS, RATE, alt=" ")
    with pytest.raises(ValueError, match="soft has 1 NaN"):
        viz.players({"soft": np.array([0.0, np.nan])}, RATE, alt="One.")
