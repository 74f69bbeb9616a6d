"""What the README and the pages of docs show runs, block by block, as for a newcomer; their links lead somewhere."""

import pathlib
import re

import matplotlib.pyplot as plt
import pytest

ROOT = pathlib.Path(__file__).parent.parent
# what the build makes is left out
PAGES = [ROOT / "README.md", *sorted(page for page in (ROOT / "docs").rglob("*.md") if "made" not in page.parts)]
# A block is known by how it ends; that of a card, which all end alike, by the card.
BLOCKS = [
    pytest.param(block, id=page.stem if page.parent.name == "cards" else block.splitlines()[-1][:40])
    for page in PAGES
    for block in re.findall(r"```python\n(.*?)```", page.read_text(), flags=re.DOTALL)
]
# A newcomer reads it all.
MOST_README = 8_000


def test_there_are_blocks():
    assert len(BLOCKS) >= 3


@pytest.mark.parametrize("block", BLOCKS)
def test_block_runs(block, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(compile(block, "README.md", "exec"), {})
    plt.close("all")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_pictures_and_links_lead_somewhere(page):
    for path in re.findall(r"\[[^]]*\]\(([^)#]+)[^)]*\)", page.read_text()):
        built = "made/" in path  # by docs/conf.py, whose build refuses links that lead nowhere
        assert built or path.startswith("https://") or (page.parent / path).is_file(), path


def test_the_readme_is_short_and_leads_to_every_page():
    text = PAGES[0].read_text()
    assert len(text.encode()) <= MOST_README
    for page in PAGES[1:]:  # a folder's pages by its index
        first = page if page.parent.name == "docs" else page.with_name("index.md")
        assert first.relative_to(ROOT).as_posix() in text, page.name
