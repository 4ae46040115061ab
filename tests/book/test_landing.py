"""The first page: what the book is, a figure that moves, and three ways in."""

import pytest

WAYS = {
    "Learn": {"chapters/foundations/low_rank_models", "front/map", "front/gallery"},
    "Apply it to my data": {"front/choose", "front/own_data", "front/how_to_read"},
    "Look up an algorithm": {"front/atlas", "front/api", "front/notation"},
}


def test_the_first_words_say_what_the_book_is(soup):
    heading = soup("intro").select_one(".bd-article h1")
    lead = heading.find_next("p").get_text()
    assert "block" in lead and "convex" in lead
    assert len(lead.split()) <= 50


def test_the_film_comes_before_the_fold_of_the_ways(soup):
    page = soup("intro")
    film = page.select_one(".cell.tag_film .mbx-knob")
    assert film.find_next(class_="ways")
    frames = film.select("template")
    assert len(frames) == int(film.select_one("input")["max"]) == 10
    spoken = [frame.svg["aria-label"] for frame in frames]
    misfits = [float(text.rsplit(" is ", 1)[1].removesuffix("%.")) for text in spoken]
    assert misfits == sorted(misfits, reverse=True)
    assert misfits[-1] < 3 < 60 < misfits[0]


@pytest.mark.parametrize("way", WAYS)
def test_each_way_leads_where_it_says(soup, way):
    cards = soup("intro").select(".ways .sd-card")
    (card,) = [
        card for card in cards if card.select_one(".sd-card-title").get_text(strip=True) == way
    ]
    pages = {link["href"].split("#")[0].removesuffix(".html") for link in card.select("li a")}
    assert pages == WAYS[way]
