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


# What is asked first: as the first page of the documentation has it, where its link leads, what stands there.
ASKED = {
    "unit of `ridge`": ("conventions.md", "scikit-learn's `alpha`"),
    "include the penalty": ("conventions.md", "mean squared residual, no penalty"),
    "5,000 × 5,000": ("own_data.md#a-kernel-matrix-of-your-own", "rg.estimate_risk(K, y"),
    "n = features": ("cards/ridge_regression.md", "The peak at n = features"),
    "bias and variance": ("conventions.md#bias-and-variance", 'y=("test", "bias", "variance"'),
    "10,000 trials on four machines": ("cluster.md#10000-trials-on-four-machines", "# 10_000, and a folder on"),
}


@pytest.mark.parametrize("question", ASKED)
def test_what_is_asked_first_is_one_link_away(question):
    target, answer = ASKED[question]
    row = next(line for line in (ROOT / "docs" / "index.md").read_text().splitlines() if question in line)
    assert f"]({target})" in row
    path, _, part = target.partition("#")
    text = (ROOT / "docs" / path).read_text()
    assert answer in text
    named = [re.sub(r"[^\w -]", "", line.lstrip("# ").lower()) for line in text.splitlines() if line.startswith("#")]
    assert not part or part in [heading.replace(" ", "-") for heading in named]


def test_the_readme_is_short_and_leads_to_every_page():
    text = PAGES[0].read_text()
    assert len(text.encode()) <= MOST_README
    for page in PAGES[1:]:  # a folder's pages by its index
        first = page if page.parent.name == "docs" else page.with_name("index.md")
        assert first.relative_to(ROOT).as_posix() in text, page.name
