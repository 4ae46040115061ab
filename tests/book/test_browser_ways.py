"""Finding the way in a browser: the film, the chooser, the map and the gallery, by keyboard too."""

import pytest
from browsing import DESKTOP, PHONE

pytestmark = pytest.mark.browser

SHOWN = ".cell.tag_film .mbx-knob output"


def film_value(page):
    return page.locator(SHOWN).text_content()


def test_the_film_plays_until_it_is_stopped(visit):
    with visit("intro") as page:
        button = page.get_by_role("button", name="Stop")
        first = film_value(page)
        page.wait_for_function(f"document.querySelector('{SHOWN}').textContent !== '{first}'")
        button.focus()
        page.keyboard.press("Enter")
        stopped = film_value(page)
        page.wait_for_timeout(1500)
        assert film_value(page) == stopped
        assert page.get_by_role("button", name="Play").is_visible()


def test_moving_the_slider_stops_the_film(visit):
    with visit("intro") as page:
        page.locator(".cell.tag_film input").focus()
        page.keyboard.press("End")
        assert film_value(page) == "10"
        assert page.get_by_role("button", name="Play").is_visible()


def test_the_film_does_not_start_where_motion_is_unwelcome(visit):
    with visit("intro", reduced_motion="reduce") as page:
        first = film_value(page)
        assert page.get_by_role("button", name="Play").is_visible()
        page.wait_for_timeout(1500)
        assert film_value(page) == first
        page.get_by_role("button", name="Play").click()
        page.wait_for_function(f"document.querySelector('{SHOWN}').textContent !== '{first}'")


def test_a_reader_sees_the_film_at_once_and_the_ways_after_one_screen(visit):
    with visit("intro") as page:
        film = page.locator(".cell.tag_film .mbx-picture").bounding_box()
        assert film["y"] + film["height"] / 2 <= DESKTOP["height"]
        assert page.locator(".ways").bounding_box()["y"] <= 1.4 * DESKTOP["height"]


def test_the_chooser_is_answered_by_keyboard(visit):
    with visit("front/choose") as page:
        for answer in ("One table of numbers", "Parts that add up", "The entries are counts"):
            page.locator("summary", has_text=answer).locator("visible=true").first.focus()
            page.keyboard.press("Enter")
        advice = page.locator(".chooser details[open] pre").locator("visible=true")
        assert 'loss="kullback-leibler"' in advice.text_content()
        assert page.url.endswith("-the-entries-are-counts")
        page.get_by_role("button", name="Start again").click()
        assert page.locator(".chooser details[open]").count() == 0
        assert "#" not in page.url


def test_another_answer_closes_the_one_before(visit):
    with visit("front/choose") as page:
        for answer in ("One table of numbers", "Samples that follow different rules"):
            page.locator("summary", has_text=answer).click()
        assert page.locator(".chooser > details[open]").count() == 1


def test_an_address_opens_its_answer(visit):
    place = "#choose-samples-that-follow-different-rules-a-regression"
    with visit("front/choose", query=place) as page:
        open_answers = page.locator(".chooser details[open] > summary .chooser-say")
        assert open_answers.all_text_contents() == [
            "Samples that follow different rules",
            "A regression",
        ]


def test_the_chooser_needs_no_script(browser, site):
    page = browser.new_page(java_script_enabled=False, offline=True)
    page.goto((site / "front/choose.html").as_uri())
    page.locator("summary", has_text="A formula of my own").click()
    assert page.locator(".chooser pre", has_text="solve_blockwise").is_visible()
    assert page.locator(".chooser-again").count() == 0
    page.close()


def test_pointing_at_a_chapter_of_the_map_shows_its_neighbours(visit):
    with visit("front/map") as page:
        page.locator("#map-constrained_kmeans a").focus()
        lit = page.locator(".chapter-map li.lit").evaluate_all("items => items.map(i => i.id)")
        assert set(lit) == {"map-constrained_kmeans", "map-discrete_latent_factor_models"}
        faint = page.locator(".chapter-map path:not(.lit)").first
        assert float(faint.evaluate("path => getComputedStyle(path).opacity")) < 0.3


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_the_arcs_of_the_map_meet_their_lines(visit, viewport):
    with visit("front/map", viewport=viewport) as page:
        svg = page.locator(".chapter-map svg").bounding_box()
        lists = page.locator(".map-lines").bounding_box()
        assert svg["y"] == pytest.approx(lists["y"], abs=1)
        assert svg["height"] == pytest.approx(lists["height"], abs=2)
        for item in page.locator(".chapter-map li a").all():
            assert item.evaluate("a => a.scrollHeight <= a.clientHeight + 1")


def test_the_gallery_shows_one_part_at_a_time(visit):
    with visit("front/gallery") as page:
        everything = page.locator(".gallery-card").count()
        assert page.locator(".gallery-count").text_content() == f"{everything} figures"
        page.get_by_role("button", name="Theory", exact=True).focus()
        page.keyboard.press("Enter")
        shown = page.locator("section.gallery-part").locator("visible=true")
        assert shown.evaluate_all("parts => parts.map(part => part.id)") == ["theory"]
        some = page.locator("section#theory .gallery-card").count()
        assert page.locator(".gallery-count").text_content() == f"{some} figures"
        page.evaluate("location.hash = '#applications'")
        page.wait_for_selector("section#applications", state="visible")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_pictures_of_the_gallery_follow_the_theme(visit, theme):
    with visit("front/gallery", theme=theme) as page:
        seen = page.locator(".gallery-card img").locator("visible=true").first
        assert seen.get_attribute("src").endswith("#dark") == (theme == "dark")
        seen.evaluate("image => image.decode()")
        shades = page.locator(".gallery-picture").first.screenshot()
        assert brightness(shades) > 128 if theme == "light" else brightness(shades) < 128


def brightness(png):
    """The mean grey value of a picture."""
    import io

    from PIL import Image, ImageStat

    return ImageStat.Stat(Image.open(io.BytesIO(png)).convert("L")).mean[0]
