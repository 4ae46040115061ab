"""The Atlas and the page for wrong addresses in a browser, by keyboard and on a phone."""

import pytest
from browsing import PHONE, shoot, violations

pytestmark = pytest.mark.browser

ATLAS = "front/atlas"


def names(page):
    """The algorithms that are shown, in their order, each with what it does."""
    return page.eval_on_selector_all(
        ".atlas tbody tr:not([hidden]) td:first-child", "all => all.map(one => one.innerText)"
    )


def test_the_atlas_finds_words_and_parts_and_says_how_many(visit):
    with visit(ATLAS) as page:
        everything = names(page)
        count = page.locator(".atlas-tools output")
        assert count.inner_text() == f"All {len(everything)} algorithms"
        page.get_by_label("Find").fill("nmf sparse")
        found = names(page)
        assert 0 < len(found) < len(everything)
        assert count.inner_text() == f"{len(found)} of {len(everything)} algorithms"
        for text in page.locator(".atlas tbody tr:visible").all_inner_texts():
            assert "nmf" in text.lower() and "sparse" in text.lower()
        page.get_by_label("Find").fill("no such algorithm")
        assert names(page) == []
        page.get_by_role("button", name="Show all").click()
        page.get_by_label("Part").select_option("theory")
        rows = page.locator(".atlas tbody tr:visible")
        assert 0 < rows.count() < len(everything)
        assert rows.locator('a[href*="chapters/theory/"]').count() == rows.count()


def test_an_address_can_ask_the_atlas(visit):
    with visit(ATLAS, query="?find=nmf&part=foundations") as page:
        assert page.get_by_label("Find").input_value() == "nmf"
        shown = [name.partition(":")[0] for name in names(page)]
        assert "nmf" in shown and "cp" not in shown


@pytest.mark.parametrize("viewport", [None, PHONE], ids=["desktop", "phone"])
def test_the_atlas_is_sorted_by_keyboard(visit, viewport):
    with visit(ATLAS, **({"viewport": viewport} if viewport else {})) as page:
        book = names(page)
        header = page.get_by_role("columnheader", name="Algorithm")
        header.get_by_role("button").focus()
        page.keyboard.press("Enter")
        assert header.get_attribute("aria-sort") == "ascending"
        assert names(page) == sorted(book, key=str.lower)
        page.keyboard.press("Enter")
        assert header.get_attribute("aria-sort") == "descending"
        assert names(page) == sorted(book, key=str.lower, reverse=True)
        page.get_by_role("columnheader", name="Where").get_by_role("button").press("Enter")
        assert names(page) == book
        assert page.locator(".atlas [aria-sort]").count() == 1


def test_on_a_phone_the_atlas_is_read_without_scrolling_sideways(visit):
    with visit(ATLAS, viewport=PHONE) as page:
        for row in page.locator(".atlas tbody tr").all()[:5]:
            box = row.bounding_box()
            assert box["x"] >= 0 and box["x"] + box["width"] <= PHONE["width"]
        for control in page.locator(".atlas button, .atlas input, .atlas select").all():
            assert control.bounding_box()["height"] >= 44


def test_without_scripts_the_atlas_still_has_all_rows(browser, site, soup):
    context = browser.new_context(java_script_enabled=False, offline=True)
    page = context.new_page()
    page.goto((site / f"{ATLAS}.html").as_uri())
    rows = soup(ATLAS).select(".atlas tbody tr")
    assert page.locator(".atlas tbody tr:visible").count() == len(rows)
    assert not page.locator(".atlas-tools").is_visible()
    context.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [None, PHONE], ids=["desktop", "phone"])
def test_the_page_for_wrong_addresses_is_accessible(visit, theme, viewport):
    with visit("404", theme=theme, **({"viewport": viewport} if viewport else {})) as page:
        shoot(page, "404", f"{'phone' if viewport else 'desktop'}-{theme}")
        assert page.evaluate("document.documentElement.dataset.theme") == theme
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert violations(page) == []
