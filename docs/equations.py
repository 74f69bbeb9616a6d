"""Equations as MathML, which browsers draw themselves: pages need no network, and no script."""

__all__ = ["setup"]

import re
import unicodedata
from typing import Any

from docutils import nodes
from latex2mathml.converter import convert

# What LaTeX and forges know and the converter does not, as what it does know.
KNOWN = {
    r"\\cr\b": r"\\\\", r"\\arg\b": r"\\operatorname{arg}", r"\{gathered\}": "{matrix}", r"\\rule\{[^}]*\}\{[^}]*\}": "",
    r"(?i)\\bigg?(l\b|(?=[(\[]))": r"\\left", r"(?i)\\bigg?(r\b|(?=[)\]]))": r"\\right",
    r"\\lbrace": r"\\{", r"\\rbrace": r"\\}",
    r"\\[lr]Vert\b": r"\\|", r"\\[lr]vert\b": "|",
}
UNKNOWN = re.compile(r">\\[a-zA-Z{}]+")
# Letters that browsers draw upright whatever their variant, by the names that Unicode has for them.
VARIANTS = {"double-struck": "DOUBLE-STRUCK", "script": "SCRIPT", "sans-serif": "SANS-SERIF", "bold": "BOLD"}


def _letter(match: re.Match) -> str:
    """The letter as Unicode has it; the oldest have names of their own."""
    name = f"{VARIANTS[match[1]]} {'CAPITAL' if match[2].isupper() else 'SMALL'} {match[2].upper()}"
    try:
        return f"<mi>{unicodedata.lookup(f'MATHEMATICAL {name}')}</mi>"
    except KeyError:
        return f"<mi>{unicodedata.lookup(name)}</mi>"


def mathml(latex: str, display: str) -> str:
    """MathML of an equation; what the converter does not know is an error.

    >>> mathml("a^2", "inline").count("<msup>")
    1
    """
    for pattern, known in KNOWN.items():
        latex = re.sub(pattern, known, latex)
    found = convert(latex, display=display)
    if missing := UNKNOWN.search(found):
        raise ValueError(f"{missing[0][1:]} of {latex!r} is not known as MathML")
    found = re.sub(rf'<mi mathvariant="({"|".join(VARIANTS)})">([A-Za-z])</mi>', _letter, found)
    return found.replace("<mtable>", '<mtable displaystyle="true">') if display == "block" else found


def _inline(writer: Any, node: nodes.math) -> None:
    writer.body.append(f'<span class="math notranslate">{mathml(node.astext(), "inline")}</span>')
    raise nodes.SkipNode


def _display(writer: Any, node: nodes.math_block) -> None:
    latex = node.astext()
    tag = re.search(r"\\tag\{([^}]*)\}", latex)
    number = f'<span class="eqno">({tag[1]})</span>' if tag else ""
    latex = latex.replace(tag[0], "") if tag else latex
    writer.body.append(f'<div class="math notranslate">{number}{mathml(latex.strip(), "block")}</div>\n')
    raise nodes.SkipNode


def setup(app: Any) -> dict[str, Any]:
    """What Sphinx asks of an extension."""
    app.add_html_math_renderer("mathml", (_inline, None), (_display, None))
    app.add_css_file("equations.css")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
