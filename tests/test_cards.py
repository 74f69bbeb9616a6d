"""No card is missing or half, each has its picture, and the tables of their index are those of the methods."""

import importlib.util
import pathlib

import pytest

PICTURES = pathlib.Path(__file__).parents[1] / "docs" / "pictures.py"
HEADINGS = ("Equation", "Source", "Exact as", "Where it fails", "The call", "Picture", "Held by")
MOST_LINES, MOST_BYTES = 70, 60_000

spec = importlib.util.spec_from_file_location("pictures", PICTURES)
pictures = importlib.util.module_from_spec(spec)
spec.loader.exec_module(pictures)
NAMES = [name for kind in pictures.names().values() for name in kind]


def test_every_curve_has_a_card_and_every_card_a_curve():
    assert {path.stem for path in pictures.CARDS.glob("*.md")} == {*NAMES, "index"}
    assert {path.stem for path in (pictures.CARDS / "pictures").iterdir()} == {*NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_a_card_is_whole(name):
    text = (pictures.CARDS / f"{name}.md").read_text()
    places = [text.find(f"\n\n**{heading}.**") for heading in HEADINGS]
    assert -1 not in places and places == sorted(places), dict(zip(HEADINGS, places, strict=True))
    assert text.count("$$") >= 2 and len(text.splitlines()) <= MOST_LINES
    assert "rg.plot(" in pictures.block_of(name) and f"](pictures/{name}.png)" in text
    assert (pictures.CARDS / "pictures" / f"{name}.png").stat().st_size <= MOST_BYTES
    assert "`tests/" in text[places[-1] :]


def test_the_index_is_up_to_date():
    text = pictures.INDEX.read_text()
    assert pictures.index(text) == text, "run python docs/pictures.py"
