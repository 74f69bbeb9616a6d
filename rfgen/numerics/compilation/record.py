"""Records: what programs take and give."""

__all__ = ["record"]

from dataclasses import dataclass, field
from typing import Any, TypeVar, dataclass_transform

import jax

Kind = TypeVar("Kind", bound=type[Any])


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def record(kind: Kind) -> Kind:
    """A frozen dataclass that is a pytree of its fields, but for those that are static."""
    return jax.tree_util.register_dataclass(dataclass(frozen=True)(kind))
