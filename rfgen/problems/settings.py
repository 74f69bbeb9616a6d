"""Nouns: frozen records whose settings are declared with their rules.

    class Ridge(Noun):
        ridge: Any = setting(non_negative, default=0.0, axis=True)

From the declarations follow the checks, arrays that cannot be written to (in copies and unpickled nouns neither), the
text, the table of a notebook, equality by content, and the dimensions of a curve.
"""

__all__ = ["Noun", "setting"]

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, Self, dataclass_transform

import numpy as np

from rfgen.problems.rules import Rule
from rfgen.problems.shown import html_table, short
from rfgen.problems.validation import aligned

# What other packages call a setting, and who has one that was given elsewhere.
MEANT = {
    "ridge": ("alpha", "lam", "lambda_", "reg", "penalty", "weight_decay"),
    "rate": ("lr", "learning_rate", "eta", "step_size"),
    "steps": ("n_iter", "max_iter", "iterations"), "batch": ("batch_size",), "time": ("t",),
    "views": ("n_views",),
    "features": ("width", "k", "n_features", "n_components"), "level": ("quantile", "q"), "threshold": ("delta", "epsilon"),
}
ELSEWHERE = {
    "views": "of an augmentation: rg.Learner(..., augmentation=rg.Mask(0.5, views=3))",
    "n": "of the verb: rg.predict(..., n=100)",
    "features": "of the learner: rg.Learner(..., features=100)", "ridge": "of the training: rg.Learner(rg.Ridge(0.1))",
    "noise": "of the task: rg.Task(..., noise=0.1)",
}
# Where settings stand among the dimensions of a curve: others in the order of their declaration, the clock last.
PLACES = {"views": -2, "ridge": -1, "batch": 1, "average_from": 2, "time": 3, "steps": 3}


def setting(
    rule: Rule, *, default: Any = MISSING, default_factory: Any = MISSING, axis: bool | str = False
) -> Any:  # a field, which type checkers take for its value
    """A field of a noun, which becomes `rule(name, value)`; `axis` if arrays make a dimension of curves, or its name."""
    return field(default=default, default_factory=default_factory, metadata={"rule": rule, "axis": axis})


@dataclass_transform(frozen_default=True, eq_default=False, field_specifiers=(setting, field))
class Noun:
    """Base of the records that users name; subclasses are frozen dataclasses without being decorated.

    `_relate` is for checks that compare settings, and for what is computed from them: `_set` changes fields there.
    """

    def __init_subclass__(cls, **keywords: Any) -> None:
        """Make a dataclass of the subclass."""
        super().__init_subclass__(**keywords)
        dataclass(frozen=True, eq=False, repr=False)(cls)

    def __new__(cls, *args: Any, **settings: Any) -> Self:
        """Refuse settings of other names."""
        del args
        names = [own.name for own in fields(cls) if own.init]  # type: ignore[arg-type]
        if unknown := [name for name in settings if name not in names]:
            listed = ", ".join(name + _meant(name, names) for name in unknown)
            raise TypeError(f"{cls.__name__} has no setting {listed}: it takes {', '.join(names) or 'none'}")
        return super().__new__(cls)

    def __post_init__(self) -> None:
        """Check by the rules, then across settings, and freeze."""
        aligned(**{name: getattr(self, name) for name in self._settings})
        for name, own in self._settings.items():
            if "rule" in own.metadata:
                given = getattr(self, name)
                value = own.metadata["rule"](name, given)
                arrays = isinstance(value, np.ndarray) and isinstance(given, np.ndarray)
                if arrays and not np.may_share_memory(value, given):
                    value.setflags(write=False)  # converted: needs no copy
                self._set(**{name: value})
        self._relate()
        self._freeze()

    def _relate(self) -> None:
        """Nothing to compare."""

    def _set(self, **values: Any) -> None:
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def _freeze(self) -> None:
        for own in fields(self):  # type: ignore[arg-type]
            name, value = own.name, vars(self).get(own.name)
            if isinstance(value, np.ndarray) and (value.flags.writeable or not value.flags.owndata):
                value = value.copy()  # the caller's array stays the caller's
                value.setflags(write=False)
                self._set(**{name: value})

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Frozen in copies and after unpickling too."""
        self.__dict__.update(state)
        self._freeze()

    @property
    def _settings(self) -> dict[str, Any]:
        return {own.name: own for own in fields(self) if own.init}  # type: ignore[arg-type]

    @property
    def axes(self) -> dict[str, np.ndarray]:
        """Settings that are dimensions of a curve, () or (values,), by the names of these; the clock comes last."""
        given = {name: getattr(self, name) for name in sorted(self._axes, key=lambda name: PLACES.get(name, 0))}
        return {self._axes[name]: value for name, value in given.items() if isinstance(value, np.ndarray)}

    @property
    def _axes(self) -> dict[str, str]:
        """Names of dimensions by settings."""
        found = {name: own.metadata.get("axis") for name, own in self._settings.items()}
        return {name: axis if isinstance(axis, str) else name for name, axis in found.items() if axis}

    @property
    def _title(self) -> str:
        return type(self).__name__

    def _shown(self) -> dict[str, str]:
        """Settings that are not their defaults, as texts."""
        return {name: short(getattr(self, name)) for name, own in self._settings.items() if not self._default(own)}

    def _default(self, own: Any) -> bool:
        default = own.default if own.default_factory is MISSING else own.default_factory()
        if default is MISSING:
            return False
        default = own.metadata["rule"](own.name, default) if "rule" in own.metadata else default
        ours, theirs = _hashable(getattr(self, own.name)), _hashable(default)
        return type(ours) is type(theirs) and ours == theirs  # a traced value has another type

    def __repr__(self) -> str:
        """The settings that are not their defaults; long arrays by their ends."""
        return f"{self._title}({', '.join(f'{name}={text}' for name, text in self._shown().items())})"

    def _repr_html_(self) -> str:
        """The same as a table."""
        return html_table(self._shown().items(), caption=self._title)

    @property
    def content(self) -> tuple[Any, ...]:
        """Class and settings, hashable: the same for nouns that say the same."""
        return (type(self), *(_hashable(getattr(self, name)) for name in self._settings))

    def __eq__(self, other: object) -> bool:
        """Equal by content, so that what was compiled or estimated for one serves the other."""
        return self is other or (isinstance(other, Noun) and self.content == other.content)

    def __hash__(self) -> int:
        """By content."""
        return hash(self.content)


def _meant(name: str, names: list[str]) -> str:
    """What a setting of another name is called here, or whose it is."""
    here = [own for own in names if name in MEANT.get(own, ())]
    told = f"here {here[0]}" if here else ELSEWHERE.get(name)
    return f" ({told})" if told else ""


def _hashable(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.shape, value.dtype.str, value.tobytes()
    if isinstance(value, Mapping):
        return tuple((key, _hashable(own)) for key, own in value.items())
    return tuple(map(_hashable, value)) if isinstance(value, list | tuple) else value
