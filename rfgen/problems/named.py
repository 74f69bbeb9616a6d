"""Values by name, which tell of a name that is none of theirs."""

__all__ = ["Named", "unknown"]

import difflib
from collections.abc import Iterable
from typing import Any

# Of likeness, as difflib has it, from which a name is near.
NEAR = 0.45


def unknown(kind: str, name: Any, names: Iterable[str]) -> str:
    """That no `kind` has this name, and which names are near; all of them where none is.

    >>> unknown("method", "ridge", ["ridge regression", "lines"])
    "no method 'ridge': near it are 'ridge regression'"
    >>> unknown("letter", 3, "ab")
    "no letter 3, only 'a', 'b'"
    """
    names, asked = list(names), str(name).lower()
    near = [own for own in names if asked and asked in own.lower()]
    near += [own for own in difflib.get_close_matches(asked, names, n=3, cutoff=NEAR) if own not in near]
    listed = ", ".join(map(repr, near or names)) or "none"
    return f"no {kind} {name!r}{': near it are' if near else ', only'} {listed}"


class Named(dict[str, Any]):
    """A dict of so many `kind`s by name.

    >>> Named("letter", a=1)["a"]
    1
    """

    def __init__(self, kind: str, *values: Any, **named: Any) -> None:
        super().__init__(*values, **named)
        self.kind = kind

    def __missing__(self, name: Any) -> Any:
        """Say which names are near."""
        raise KeyError(unknown(self.kind, name, self))
