"""What `--set` changes: the constants of a figure's module that are numbers, and the plan of its scale.

A module declares its parameters by assigning them: `RIDGE = 1e-3`.  A changed figure is the same source run with another
value after that line, so that whatever is built from the constant follows.
"""

__all__ = ["SettingError", "configured", "declared", "near", "parsed"]

import ast
import difflib
import importlib
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any


class SettingError(ValueError):
    """A setting that the figure does not have, or a value it cannot take."""


def near(name: str, known: Iterable[str]) -> str:
    """What was probably meant, as the end of a sentence.

    >>> near("rigde", ["ridge", "noise"])
    ': did you mean ridge?'
    """
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.55)
    return f": did you mean {close[0]}?" if close else ""


def declared(name: str, scale: str = "smoke") -> dict[str, Any]:
    """Parameters of a figure and their values at a scale; numbers or tuples of numbers.

    >>> declared("ensembles")["ridge"], declared("ensembles", "paper")["trials"]
    (0.0001, 100)
    """
    return {key: value for key, (_, value) in _places(_module(name), scale).items()}


def parsed(name: str, scale: str, given: Sequence[str]) -> dict[str, Any]:
    """Settings `KEY=VALUE[,VALUE...]` as values of the kind that the figure has.

    >>> parsed("ensembles", "smoke", ["ridge=0.1", "times=1,10"])
    {'ridge': 0.1, 'times': (1.0, 10.0)}
    """
    known, found = declared(name, scale), {}
    for text in given:
        key, sign, value = (part.strip() for part in text.partition("="))
        if not sign:
            raise SettingError(f"--set takes KEY=VALUE, got {text}")
        if key not in known:
            hint = near(key, known) or f"; it has {', '.join(known)}"
            raise SettingError(f"{name} has no parameter {key}{hint}")
        found[key] = _value(name, key, value, known[key])
    return found


def configured(name: str, scale: str, settings: Mapping[str, Any]) -> ModuleType:
    """The module of a figure, under other settings."""
    module = _module(name)
    if not settings:
        return module
    places = _places(module, scale)
    constants = {places[key][0]: value for key, value in settings.items() if places[key][0]}
    tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
    body: list[ast.stmt] = []
    for node in tree.body:
        changed = [own for own in _assigned(node) if own in constants]
        body += [node, *(ast.parse(f"{own} = CHANGED[{own!r}]").body[0] for own in changed)]
    tree.body = body
    fresh = ModuleType(module.__name__, module.__doc__)
    vars(fresh).update(__file__=module.__file__, CHANGED=constants)
    exec(compile(ast.fix_missing_locations(tree), str(module.__file__), "exec"), vars(fresh))  # noqa: S102 our own source
    plan = {_plan_key(key, module): value for key, value in settings.items() if not places[key][0]}
    fresh.SCALES[scale] = {**fresh.SCALES[scale], **plan}
    return fresh


def _module(name: str) -> ModuleType:
    return importlib.import_module(f"paper_figures.{name}")


def _places(module: ModuleType, scale: str) -> dict[str, tuple[str, Any]]:
    """For each parameter the constant it sets ("" for one of the scale's plan), and its value."""
    tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
    constants = [own for node in tree.body for own in _assigned(node) if _numeric(getattr(module, own, None))]
    found = {own.lower(): (own, getattr(module, own)) for own in constants}
    for key, value in module.SCALES[scale].items():
        if _numeric(value):
            found[f"simulated_{key}" if key in found else key] = ("", value)
    return found


def _plan_key(key: str, module: ModuleType) -> str:
    return key if any(key in plan for plan in module.SCALES.values()) else key.removeprefix("simulated_")


def _assigned(node: ast.stmt) -> list[str]:
    """Constants that a statement assigns from no other constant: what is derived follows by itself."""
    if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
        return []
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    names = [each.id for target in targets for each in ast.walk(target) if isinstance(each, ast.Name) and each.id.isupper()]
    built = any(isinstance(each, ast.Name) and each.id.isupper() for each in ast.walk(node.value))
    return [] if built else names


def _numeric(value: Any) -> bool:
    if isinstance(value, tuple):
        return bool(value) and all(_numeric(each) and not isinstance(each, tuple) for each in value)
    return isinstance(value, int | float) and not isinstance(value, bool)


def _value(name: str, key: str, text: str, present: Any) -> Any:
    """`text` as a value of the kind of `present`."""
    several = isinstance(present, tuple)
    whole = all(isinstance(each, int) for each in (present if several else (present,)))
    kind = f"{'whole ' if whole else ''}number{'s' if several else ''}"
    wrong = SettingError(
        f"{key} of {name} takes {f'{kind} with commas between' if several else f'one {kind}'}, such as "
        f"{','.join(f'{each:g}' for each in present) if several else f'{present:g}'}; got {text or 'nothing'}"
    )
    try:
        values = [float(each) for each in text.split(",")]
    except ValueError:
        raise wrong from None
    unsuited = any(math.isnan(each) or (whole and not each.is_integer()) for each in values)
    if unsuited or (len(values) > 1 and not several):
        raise wrong
    made = tuple(int(each) if whole else each for each in values)
    return made if several else made[0]
