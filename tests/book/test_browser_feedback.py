"""Comments in a browser: nothing is asked of anyone before the reader presses the button."""

import re

import pytest
from block_by_block.address import Address
from block_by_block.feedback import comments, feedback
from browsing import PHONE, violations
from pages import ROOT

pytestmark = pytest.mark.browser

PAGE = """<!DOCTYPE html><html lang="en" data-theme="light"><head><title>A page</title>
<meta name="viewport" content="width=device-width"><style>{style}</style>
<script>{script}</script></head>
<body><main><h1>A page</h1>{body}</main></body></html>"""
SETTINGS = {"repo_id": "R_1", "category": "Comments", "category_id": "DIC_1"}
# What the script of giscus does, as far as the page sees it.
GISCUS = """
const frame = document.createElement("iframe");
frame.className = "giscus-frame";
frame.title = "Comments";
frame.src = "https://giscus.app/widget";
document.currentScript.after(frame);
"""
WIDGET = """<!DOCTYPE html><html lang="en"><title>Comments</title><body><script>
addEventListener("message", e => document.body.textContent = e.data.giscus.setConfig.theme)
</script></body></html>"""


@pytest.fixture
def opened(browser, tmp_path):
    """The end of a page with comments, and what it asks of the network."""
    address = Address("https://github.com/someone/a-book")
    style, script = (
        (ROOT / f"_static/feedback.{end}").read_text(encoding="utf-8") for end in ("css", "js")
    )
    body = feedback("https://example.org/edit", "https://example.org/issue")
    body += comments(address, SETTINGS, "front/notation")
    path = tmp_path / "page.html"
    path.write_text(PAGE.format(style=style, body=body, script=script), encoding="utf-8")
    context = browser.new_context(viewport=PHONE)
    page = context.new_page()
    asked = []
    page.on("request", lambda one: asked.append(one.url))

    def open_page(answer):
        page.route(re.compile("^https:"), answer)
        page.goto(path.as_uri())
        return page, asked

    yield open_page
    context.close()


def giscus(route):
    script = route.request.url.endswith(".js")
    kind = "text/javascript" if script else "text/html"
    route.fulfill(
        body=GISCUS if script else WIDGET,
        content_type=kind,
        headers={
            "Access-Control-Allow-Origin": "*",
        },
    )


def test_comments_are_loaded_by_the_button_and_not_before(opened):
    page, asked = opened(giscus)
    button = page.get_by_role("button", name="Load the comments from giscus.app")
    assert button.bounding_box()["height"] >= 44
    assert violations(page) == []
    assert [url for url in asked if url.startswith("http")] == []
    button.focus()
    page.keyboard.press("Enter")
    page.frame_locator("iframe.giscus-frame").locator("body").wait_for(state="attached")
    assert [url for url in asked if url.startswith("http")] == [
        "https://giscus.app/client.js",
        "https://giscus.app/widget",
    ]
    assert page.locator(".comments script").evaluate("script => ({...script.dataset})") == {
        "repo": "someone/a-book",
        "repoId": "R_1",
        "category": "Comments",
        "categoryId": "DIC_1",
        "term": "front/notation",
        "mapping": "specific",
        "strict": "1",
        "inputPosition": "top",
        "reactionsEnabled": "0",
        "emitMetadata": "0",
        "lang": "en",
        "theme": "light",
    }
    assert button.count() == 0


def test_comments_follow_the_theme_of_the_page(opened):
    page, _ = opened(giscus)
    page.get_by_role("button").click()
    frame = page.frame_locator("iframe.giscus-frame")
    frame.locator("script").wait_for(state="attached")
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    frame.get_by_text("dark").wait_for()


def test_comments_that_cannot_be_reached_say_so_and_may_be_asked_for_again(opened):
    page, asked = opened(lambda route: route.abort())
    button = page.get_by_role("button")
    for _ in range(2):
        button.click()
        page.get_by_role("status").get_by_text("could not be reached").wait_for()
        assert button.is_enabled()
    assert asked.count("https://giscus.app/client.js") == 2
