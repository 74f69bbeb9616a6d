"""The theory pages: each equation has its own number, what cites a number finds it, markdown leaves the math alone."""

import pathlib
import re

import rfgen

ROOT = pathlib.Path(rfgen.__file__).parent
INDEX = ROOT.parent / "docs" / "theory" / "index.md"
CHAPTERS = {page: page.read_text() for page in sorted(INDEX.parent.glob("*.md")) if page != INDEX}
NUMBER = r"\((\d+\.\d+)\)"
MOST_LINES = 270


def tags(text):
    return re.findall(r"\\tag\{(\d+\.\d+)\}", text)


ALL = [tag for text in CHAPTERS.values() for tag in tags(text)]


def cited(text):
    """Numbers that a docstring cites: theory (2.5), or theory (2.5), (3.1) and (3.2), across lines too."""
    runs = re.findall(rf"theory\s+({NUMBER}(?:(?:,\s+|\s+and\s+|\s+to\s+){NUMBER})*)", text)
    return [number for run in runs for number in re.findall(NUMBER, run[0])]


def test_numbers_are_unique_and_of_their_chapter():
    assert len(ALL) > 100 and len(set(ALL)) == len(ALL)
    firsts = sorted(int(re.match(r"# (\d+) ", text).group(1)) for text in CHAPTERS.values())
    assert firsts[0] == 1 and len(set(firsts)) == len(firsts)  # numbers are never given anew
    for text in CHAPTERS.values():
        chapter = text[2 : text.index(" ", 2)]
        assert all(tag.partition(".")[0] == chapter for tag in tags(text)), chapter
        assert len(text.splitlines()) <= MOST_LINES and "## Limits that must come out" in text, chapter


def test_what_cites_a_number_finds_it():
    assert cited("theory (2.5), (3.1)\nand (3.2); theory of (9.9)") == ["2.5", "3.1", "3.2"]
    for path in (*ROOT.rglob("*.py"), *CHAPTERS):
        text = path.read_text()
        found = set(cited(text) if path.suffix == ".py" else re.findall(NUMBER, text))
        assert found <= set(ALL), (path, found - set(ALL))


def test_the_index_says_where_each_equation_is_computed():
    text = INDEX.read_text()
    assert set(re.findall(NUMBER, text)) == set(ALL)
    assert all(f"]({page.name})" in text for page in CHAPTERS)


def test_each_file_of_the_index_cites_its_equations():
    rows = re.findall(r"^\| (`.*) \| (.*) \|$", INDEX.read_text(), re.MULTILINE)
    assert len(rows) > 60
    for file in {file for files, _ in rows for file in re.findall(r"`([^`]+)`", files)}:
        computed = {number for files, numbers in rows if f"`{file}`" in files for number in re.findall(NUMBER, numbers)}
        opening = re.match(r'"""(.*?)"""', (ROOT / file).read_text(), re.DOTALL)[1]
        assert cited(opening) and set(cited(opening)) <= computed, file


def test_markdown_leaves_the_math_alone():
    r"""A backslash before punctuation is an escape to a forge: \, \; \{ \\ would lose it."""
    for path, text in CHAPTERS.items():
        prose = re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)
        assert not re.findall(r"\\[^A-Za-z\s]", prose), path
        inline = re.sub(r"^\$\$\n.*?^\$\$$", "", prose, flags=re.DOTALL | re.MULTILINE)
        assert "$$" not in inline and all(line.count("$") % 2 == 0 for line in inline.splitlines()), path
        assert not re.findall(r"^\s*(?:[=+-]+\s|[=-]+$)", prose, re.MULTILINE), path  # a list, or a heading
