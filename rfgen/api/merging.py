"""`merge`: simulations of several seeds as one."""

__all__ = ["merge"]

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import xarray

# Measured on pairs of trials.
OF_PAIRS = frozenset({"bias", "variance"})
# What may differ between runs of one thing.
OF_A_RUN = frozenset({"seed", "seeds", "trials", "failures", "lost", "rfgen_version"})


def merge(*runs: "xarray.Dataset") -> "xarray.Dataset":
    """Simulations of one task and learner with several seeds, as one of all their trials.

    Parameters
    ----------
    *runs
        Two or more results of `simulate` with equal dimensions and attributes, each of another seed, or merged ones.

    Returns
    -------
    xarray.Dataset
        Means over all trials and their standard errors, `trials` their number, the attribute `seeds` the seeds.

    Raises
    ------
    ValueError
        For runs that are no simulations, are of different things, of one seed twice (the same trials), or were interrupted.

    Notes
    -----
    With the counts c_i, means x_i and standard errors e_i of the runs, M = sum c_i trials have the mean x = sum c_i x_i / M
    and the standard error sqrt((sum c_i (c_i - 1) e_i^2 + c_i (x_i - x)^2) / (M (M - 1))): those of the trials themselves,
    where no trial was left out as NaN.

    Examples
    --------
    >>> import rfgen as rg
    >>> task, learner = rg.Task.isotropic(20, noise=0.1), rg.Learner(rg.Ridge(0.1))
    >>> whole = rg.merge(*(rg.simulate(task, learner, n=40, trials=20, seed=seed) for seed in range(3)))
    >>> int(whole.trials), whole.attrs["seeds"]
    (60, [0, 1, 2])
    """
    import xarray

    _check(runs)
    first, found = runs[0], {}
    trials = xarray.concat([run.trials for run in runs], "run")
    for name in map(str, first.data_vars):
        if name.endswith("_se") and name.removesuffix("_se") in first:
            continue
        count = trials // 2 if name in OF_PAIRS else trials
        mean = xarray.concat([run[name] for run in runs], "run")
        known = mean.notnull()
        weight = count.where(known, 0)
        total = weight.sum("run")
        with np.errstate(invalid="ignore", divide="ignore"):
            found[name] = (weight * mean.where(known, 0.0)).sum("run") / total
            if f"{name}_se" in first:
                error = xarray.concat([run[f"{name}_se"] for run in runs], "run")
                within = (weight - 1) * error.where(weight > 1, 0.0) ** 2  # the mean of one trial has no error of its own
                between = (mean.where(known, 0.0) - found[name]) ** 2
                squares = (weight * (within + between)).sum("run")
                found[f"{name}_se"] = np.sqrt(squares / (total * (total - 1))).where(total > 1)
    result = first.assign({
        name: values.transpose(*first[name].dims).assign_attrs(first[name].attrs) for name, values in found.items()
    })
    attributes = {name: value for name, value in first.attrs.items() if name not in OF_A_RUN - {"rfgen_version"}}
    told = {name: [run.attrs[name] for run in runs if name in run.attrs] for name in ("failures", "lost")}
    told = {name: "; ".join(text) for name, text in told.items() if text}
    count = trials.sum("run")
    if "trials" in first.attrs:
        attributes["trials"] = int(np.max(count))
    result.attrs = {**attributes, **told, "seeds": [seed for run in runs for seed in _seeds(run)]}
    return result.assign_coords(trials=count.assign_attrs(first.trials.attrs))


def _check(runs: tuple[Any, ...]) -> None:
    """Refuse what cannot be put together."""
    if len(runs) < 2:
        raise ValueError(f"merge takes two runs of rg.simulate or more, got {len(runs)}")
    for number, run in enumerate(runs):
        attributes = getattr(run, "attrs", {})
        if attributes.get("kind") != "simulation" or not {"seed", "seeds"} & attributes.keys():
            raise ValueError(f"merge takes runs of rg.simulate, got {type(run).__name__} in place {number}")
        if "interrupted" in attributes and run.trials.ndim == 0:
            raise ValueError(f"run {number} was interrupted, and the number of its trials is not known: finish it first")
    seeds = [seed for run in runs for seed in _seeds(run)]
    twice = next((seed for seed in seeds if seeds.count(seed) > 1), None)
    if twice is not None:
        raise ValueError(f"runs must differ in their seeds, got {twice} twice: these are the same trials")
    first = runs[0]
    for number, run in enumerate(runs[1:], 1):
        names = [name for name in {*first.attrs, *run.attrs} - OF_A_RUN if first.attrs.get(name) != run.attrs.get(name)]
        names += [name for name in {*first.coords, *run.coords} - {"trials"} if not _equal(first, run, name)]
        names += sorted({*first.data_vars} ^ {*run.data_vars})
        if names:
            raise ValueError(f"runs must be of one task, learner and sizes: run {number} differs from run 0 in {names[0]}")


def _equal(one: Any, other: Any, name: str) -> bool:
    return name in one.coords and name in other.coords and one[name].variable.equals(other[name].variable)


def _seeds(run: Any) -> list[int]:
    """Its seeds, also as a file gives them back."""
    return [int(seed) for seed in np.ravel(run.attrs.get("seeds", run.attrs.get("seed")))]
