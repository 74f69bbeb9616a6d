"""Pictures of the cards, each drawn by the card's own block, and the two tables of their index.

`python docs/pictures.py [card ...]` draws these (all, if none is named) and writes the tables of `docs/cards/index.md`; of
a page of `PAGES` it draws the block that makes a figure, beside the page.
"""

__all__ = ["CARDS", "INDEX", "VERBS", "block_of", "draw", "index", "names"]

import io
import pathlib
import re
import sys
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
from PIL import Image

import rfgen as rg

CARDS = pathlib.Path(__file__).parent / "cards"
INDEX = CARDS / "index.md"
# Verbs that are curves of their own; the other cards are the methods of `rg.methods()`.
VERBS = (
    "learning_curve", "estimate_risk", "optimal_ridge", "optimal_stopping", "optimal_augmentation", "best_schedule",
    "overfitting_cost",
    "fine_grained_variance", "adversarial_error", "sensitivity", "univariate",
    "compute_frontier", "fit_scaling_law",
)
PAGES = ("own_estimators",)
STYLE: Any = {"figure.figsize": (5.6, 3.6), "savefig.dpi": 150, "font.size": 9}
# Lines and letters need no more; 10 to 20 kB a picture.
COLOURS = 64


def names() -> dict[str, list[str]]:
    """The cards there must be, by kind: of every method, and of every verb that is a curve of its own."""
    slugs = [re.sub(r"\W+", "_", name.replace("'", "").lower()) for name in rg.methods().names]
    return {"methods": slugs, "verbs": list(VERBS)}


def block_of(card: str) -> str:
    """The card's call, or the block of a page that makes a figure."""
    folder = CARDS.parent if card in PAGES else CARDS
    blocks = re.findall(r"```python\n(.*?)```", (folder / f"{card}.md").read_text(), flags=re.DOTALL)
    (block,) = [block for block in blocks if card not in PAGES or "plt.subplots" in block]
    return block


def draw(card: str) -> pathlib.Path:
    """Run the card's block and keep its figure."""
    plt.close("all")
    with matplotlib.rc_context(STYLE):
        exec(compile(block_of(card), f"{card}.md", "exec"), {})  # noqa: S102 (our own page)
        page = io.BytesIO()
        plt.gcf().savefig(page, format="png")
    path = CARDS.parent / f"{card}.png" if card in PAGES else CARDS / "pictures" / f"{card}.png"
    Image.open(page).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
    return path


def index(text: str) -> str:
    """The index with its tables written anew, each between its marks."""
    head = ["| | curve | what it answers |", "|---|---|---|"]
    tables = {kind: [*head, *map(_row, cards)] for kind, cards in names().items()}
    table = rg.methods()
    covers = table.dataset.covered
    tables["coverage"] = ["| method | verb | options |", "|---|---|---|"]
    for name, slug in zip(table.names, names()["methods"], strict=True):
        for verb in table.verbs:
            if table.dataset.served.sel(name=name, verb=verb):
                options = [option for option in table.options if covers.sel(name=name, verb=verb, option=option)]
                said = ", ".join(f"`{option}`" for option in options)
                tables["coverage"].append(f"| [{name}]({slug}.md) | `{verb}` | {said} |")
    for kind, lines in tables.items():
        start, end = f"<!-- {kind}: by docs/pictures.py -->", f"<!-- end of {kind} -->"
        before, rest = text.split(start)
        text = "\n".join([f"{before}{start}", *lines, f"{end}{rest.split(end)[1]}"])
    return text


def _row(card: str) -> str:
    """Picture, title, and the sentence that the card opens with."""
    title, sentence, *_ = (CARDS / f"{card}.md").read_text().split("\n\n")
    picture = f'<img src="pictures/{card}.png" width="180" alt="">'
    return f"| {picture} | [{title.removeprefix('# ')}]({card}.md) | {' '.join(sentence.split())} |"


if __name__ == "__main__":
    matplotlib.use("Agg")
    rg.cache_programs()
    for card in sys.argv[1:] or [*(card for kind in names().values() for card in kind), *PAGES]:
        draw(card)
    INDEX.write_text(index(INDEX.read_text()))
