"""The explorer as one page of its own, which solves in the browser."""

__all__ = ["fragment", "page"]

from pathlib import Path

HERE = Path(__file__).parent


def fragment() -> str:
    """Markup and module of the explorer, to be laid into a page."""
    body, module = ((HERE / f"explorer.{kind}").read_text(encoding="utf-8") for kind in ("html", "js"))
    return body.replace("/* explorer.js */", module)


def page() -> str:
    """A whole page, which opens from a folder and needs no network.

    >>> page().startswith("<!doctype html>")
    True
    """
    about = '<meta charset="utf-8"><meta name="color-scheme" content="light dark"><title>rfgen explorer</title>'
    head = f'<!doctype html>\n<html lang="en">\n<head>{about}</head>\n'
    return f"{head}<body>\n{fragment()}</body>\n</html>\n"
