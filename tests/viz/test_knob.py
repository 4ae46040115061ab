"""The knob: one control, frames that exchange, no library; a widget where there is a kernel."""

import re
import shutil
from html.parser import HTMLParser

import pytest

from multiconvex import viz


class Recorder:
    """Draws a line of slope `value` and remembers what was asked for."""

    def __init__(self):
        self.asked = []

    def __call__(self, value):
        self.asked.append(value)
        with viz.style():
            fig, axes = viz.figure(height=1.5)
            axes.plot([0, 1], [0, len(str(value))])
        return viz.Picture(fig, alt=f"A line for {len(str(value))}.")


class Elements(HTMLParser):
    """All start tags of a piece of HTML."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def all(self, tag):
        return [attrs for name, attrs in self.found if name == tag]


@pytest.fixture
def draw():
    return Recorder()


@pytest.fixture
def static(monkeypatch):
    monkeypatch.setenv("MULTICONVEX_STATIC", "1")


@pytest.fixture
def live(monkeypatch):
    monkeypatch.delenv("MULTICONVEX_STATIC", raising=False)


def example(draw, **changes):
    options = {"label": "rank", "values": [1, 22, 333], "alt": "The slope grows with the rank."}
    return viz.knob(draw, **{**options, **changes})


def test_control_is_native_labelled_and_announced(draw, static):
    page = Elements(example(draw, start=22).html())
    (control,) = page.all("input")
    assert control["type"] == "range"
    assert (control["min"], control["max"], control["step"], control["value"]) == tuple("0211")
    assert control["aria-valuetext"] == "22"
    assert page.all("label")[0]["for"] == control["id"] == page.all("output")[0]["for"]
    assert page.all("div")[0]["role"] == "group"
    assert page.all("div")[0]["aria-label"] == "The slope grows with the rank."
    classes = [attrs.get("class") for attrs in page.all("div")]
    assert classes == ["mbx-knob", "mbx-knob-control", "mbx-knob-frames"]


def test_one_frame_is_shown_and_the_others_wait(draw, static):
    html = example(draw, start=22).html()
    shown = re.search(r'mbx-knob-frames">(<svg.*?</svg>)</div>', html).group(1)
    assert 'aria-label="A line for 2."' in shown
    assert re.findall(r'<template data-frame="(\d)"><svg', html) == ["0", "2"]
    assert html.count("<svg") == 3


def test_identical_frames_are_stored_once(draw, static):
    html = example(draw, values=["aa", "bb", "c"]).html()
    assert html.count("<svg") == 2
    assert "&quot;frames&quot;: [0, 0, 1]" in html


def test_page_needs_no_library_and_no_network(draw, static):
    html = example(draw).html()
    page = Elements(html)
    (script,) = page.all("script")
    assert script == {}
    assert not page.all("link") and not page.all("iframe")
    assert "http" not in html.replace("http://www.w3.org/2000/svg", "")
    body = re.search(r"<script>\n(.*?)\n</script>", html, re.DOTALL).group(1)
    assert len(body.splitlines()) <= 15


def test_html_is_deterministic_and_knobs_differ_on_a_page(draw, static):
    assert example(draw).html() == example(draw).html()
    identifiers = [
        Elements(example(draw, label=label).html()).all("input")[0]["id"] for label in "ab"
    ]
    assert identifiers[0] != identifiers[1]


def test_texts_are_escaped(draw, static):
    html = example(draw, label="<b>", values=["<i>", '"'], alt='"quoted"').html()
    assert "<b>" not in html and "<i>" not in html and 'aria-label="&quot;quoted&quot;"' in html


def test_static_build_draws_all_at_once_and_shows_only_html(draw, static):
    knob = example(draw)
    assert draw.asked == [1, 22, 333]
    assert set(knob._repr_mimebundle_()) == {"text/html", "text/plain"}
    assert draw.asked == [1, 22, 333]


def test_live_notebook_draws_on_demand_and_once(draw, live):
    knob = example(draw)
    assert draw.asked == [1]
    slider, stage = knob.widget().children
    assert stage.value == knob.frame(0)
    slider.value = 2
    assert stage.value == knob.frame(2)
    slider.value = 0
    slider.value = 2
    assert draw.asked == [1, 333]
    assert slider.description == "rank" and slider.label == "333"


def test_live_notebook_shows_a_widget(draw, live):
    bundle = example(draw)._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle


def test_numbers_are_shown_shortly(draw, live):
    slider, _ = example(draw, values=[-0.5, 1e-7, 2.0]).widget().children
    assert [text for text, _ in slider.options] == ["−0.5", "1e−07", "2"]


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"values": []}, ValueError, "values is empty"),
        ({"values": [1, 1.0]}, ValueError, "different texts"),
        ({"values": [None]}, TypeError, "numbers or strings, got None"),
        ({"values": [float("nan")]}, TypeError, "numbers or strings, got nan"),
        ({"start": 5}, ValueError, r"start must be one of values \(1, 22, 333\), got 5"),
        ({"label": " "}, ValueError, "label is empty: say what the knob turns"),
        ({"alt": ""}, ValueError, "alt is empty: say what the knob changes in the figure"),
    ],
)
def test_wrong_options_are_refused(draw, changes, error, message):
    with pytest.raises(error, match=message):
        example(draw, **changes)


def test_draw_must_return_a_picture():
    with pytest.raises(TypeError, match=r"draw\(1\) must return a Picture, got NoneType"):
        example(lambda value: None)


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine to turn the knob with")
def test_keyboard_turns_each_knob_of_a_file(draw, static, tmp_path):
    from playwright.sync_api import sync_playwright

    page_file = tmp_path / "page.html"
    knobs = example(draw).html() + example(draw, values=["aa", "bb", "c"], label="other").html()
    page_file.write_text(f"<!doctype html><meta charset='utf-8'>{knobs}", encoding="utf-8")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        errors = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(page_file.as_uri())
        for number, label in enumerate(("333", "c")):
            knob = page.locator(".mbx-knob").nth(number)
            control = knob.locator("input")
            control.focus()
            control.press("End")
            assert knob.locator("output").inner_text() == label
            assert control.get_attribute("aria-valuetext") == label
            shown = knob.locator("svg")
            assert shown.count() == 1
            assert shown.get_attribute("aria-label") == f"A line for {len(label)}."
            control.press("Home")
            assert knob.locator("svg").get_attribute("aria-label") != f"A line for {len(label)}."
        browser.close()
    assert errors == []
