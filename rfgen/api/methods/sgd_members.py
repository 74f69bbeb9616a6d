"""Ensembles of stochastically trained models: same samples, batches and features of their own."""

__all__ = ["of_members"]

from typing import Any

import numpy as np

from rfgen.theory.ridge.ensemble import AVERAGED, ensemble


def of_members(single: Any, pair: Any, sizes: np.ndarray) -> Any:
    """The curve of ensembles of `sizes` members, () or (sizes,), the last dimension but `output`, from those of one model
    and of what two have in common.  Where they come to rest is left out.
    """
    import xarray

    dims = ("members",) * sizes.ndim
    members = xarray.DataArray(sizes, dims=dims, coords=dict.fromkeys(dims, sizes))
    found = {}
    for name in single.data_vars:
        values = single[name]
        if name in AVERAGED:
            one, two, count = xarray.broadcast(values, pair[name], members)
            mixed = ensemble({name: one.values}, {name: two.values}, count.values)[name]
            values = one.copy(data=mixed)
            values.attrs = dict(single[name].attrs)
            order = [each for each in values.dims if each not in ("members", "output")]
            values = values.transpose(*order, *dims, *(["output"] if "output" in values.dims else []))
        found[name] = values
    result = single.assign(found).drop_vars("stationary_test", errors="ignore").assign_coords(members=members)
    result.members.attrs["long_name"] = "members of the ensemble"
    return result
