"""`explore`: the exact curve under sliders, in a notebook."""

__all__ = ["explore"]

import math
import pathlib
import re
import time
import warnings
from functools import lru_cache
from typing import Any

import numpy as np

from rfgen.api.methods.picture import MOVING, picture
from rfgen.api.methods.table import method_for
from rfgen.api.simulating import simulate
from rfgen.explorer.sliders import learner_with, sliders, task_with
from rfgen.numerics.compilation.precision import double_precision
from rfgen.problems import validation
from rfgen.problems.settings import Noun

# Points of the picture, and those that are simulated, with how many trials.
POINTS, MEASURED, TRIALS = 61, 7, 20
# Times the slider's own n or features, up to which points are simulated.
MOST = 5.0
# Seconds beyond which a picture is slow; after so many slow ones (the first compiles) the next has half of the points.
SLOW, PATIENCE, FEWEST = 0.1, 3, 13


def explore(task: Any, learner: Any, n: Any = 100) -> Any:
    """The exact curve under sliders: n, features, noise, and every setting of the learner that is one number.

    Parameters
    ----------
    task, learner
        As in `predict`; settings that are numbers get a slider around their value, arrays stay as they are not.
    n
        Samples, > 0: where its slider begins.

    Returns
    -------
    anywidget.AnyWidget
        Shown by Jupyter, VS Code, Colab, marimo.  Choose along which setting the curve runs; a button simulates some points
        of it, others copy the code of the picture and save it.

    Raises
    ------
    ImportError
        Without anywidget: `pip install "rfgen[notebook]"`.
    ValueError
        For what `predict` refuses.

    Notes
    -----
    Python computes, so any learner can be explored; ridge and gradient training redraw as fast as one slides, once their
    program is compiled.  The page of the documentation solves ridge regression in the browser itself.

    Examples
    --------
    >>> import rfgen as rg
    >>> shown = rg.explore(rg.Task.isotropic(100, noise=0.1), rg.Learner(rg.Ridge(0.1), features=80), n=50)
    >>> sorted(shown.sliders)
    ['features', 'n', 'noise', 'ridge']
    """
    if np.ndim(validation.positive("n", n)):
        raise ValueError(f"n must be one number, where its slider begins, got {n!r}")
    if not isinstance(learner, Noun):
        raise ValueError(f"learner must be an rg.Learner, whose settings are the sliders, got {type(learner).__name__}")
    drawer = _drawer(task, learner)
    given = _served(task, learner, sliders(task, learner, float(n)), drawer)
    widget = _widget()(sliders=_plain(given), x=next((clock for clock in ("time", "steps") if clock in given), "n"))
    points, slow = [POINTS], [0]

    def answer(asked: dict[str, Any]) -> None:
        began, settings = time.perf_counter(), _numbers(asked["settings"])
        try:
            found = _curve(task, learner, given, settings, asked["axis"], points[0], drawer)
        except ValueError as error:
            widget.send({"curve": {"view": asked["view"], "failure": str(error)}})
        else:
            numbers = np.array(list(found.values()), np.float64)  # not as text, half of whose time is Python's
            widget.send({"curve": {"view": asked["view"], "names": list(found)}}, [numbers.tobytes()])
        coarser = asked["axis"] not in MOVING or drawer(*_others(settings)) is None  # a picture has one program
        slow[0] = slow[0] + 1 if coarser and time.perf_counter() - began > SLOW else 0
        if slow[0] >= PATIENCE:
            points[0], slow[0] = max(points[0] // 2, FEWEST), 0

    def type_out(asked: dict[str, Any]) -> None:
        text = _code(task, learner, given, _numbers(asked["settings"]), asked["axis"])
        widget.send({"code": {"view": asked["view"], "text": text}})

    def measure(asked: dict[str, Any]) -> None:
        settings, axis, view = _numbers(asked["settings"]), asked["axis"], {"view": asked["view"]}
        chosen = _chosen(given, axis, POINTS)
        chosen = chosen[chosen <= MOST * settings[axis]] if axis in ("n", "features") else chosen  # large ones take long
        chosen = chosen[np.unique(np.linspace(0, len(chosen) - 1, MEASURED).round().astype(int))]
        found: dict[str, Any] = {"x": [], "test": [], "test_se": []}
        for number, at in enumerate(chosen):
            try:
                runs = simulate(task_with(task, settings | {axis: at}), learner_with(learner, settings | {axis: at}),
                                n=_whole(settings | {axis: at}), trials=TRIALS, progress=False)
            except (ValueError, MemoryError) as error:
                widget.send({"runs": view | found | {"share": 1.0, "failure": str(error)}})
                return
            name = _drawn(runs)
            for key, value in (("x", at), ("test", runs[name]), ("test_se", runs[f"{name}_se"])):
                found[key] = [*found[key], float(np.mean(value))]
            widget.send({"runs": _plain(view | found | {"share": (number + 1) / len(chosen)})})

    answers = {"curve": answer, "code": type_out, "runs": measure}
    widget.on_msg(lambda _, said, buffers: answers[said["ask"]](said))
    return widget


def _drawer(task: Any, learner: Any) -> Any:
    """The picture with the sliders elsewhere than in `MOVING` at (name, value) pairs: posed once for each."""
    return lru_cache(maxsize=4)(lambda *others: picture(task, learner_with(learner, dict(others))))


def _others(settings: dict[str, float]) -> list[tuple[str, float]]:
    return [(name, value) for name, value in settings.items() if name not in MOVING]


def _served(task: Any, learner: Any, given: dict[str, Any], drawer: Any) -> dict[str, Any]:
    """Without the least n, where a class has no sample there; what predict refuses altogether is refused here."""
    while True:
        try:
            if drawer(*_others(_position(given))) is None:
                _curve(task, learner, given, _position(given), "n", 2, drawer)
        except ValueError:
            own = given["n"]
            if own["at"] == 0:
                raise
            fewer = (own["at"] + 1) // 2
            given = given | {"n": {"values": own["values"][fewer:], "at": own["at"] - fewer}}
        else:
            return given


def _position(given: dict[str, Any]) -> dict[str, float]:
    return {name: own["values"][own["at"]] for name, own in given.items()}


def _numbers(settings: dict[str, Any]) -> dict[str, float]:
    """As the browser sends them: JSON has no infinity."""
    return {name: math.inf if value is None else value for name, value in settings.items()}


def _chosen(given: dict[str, Any], axis: str, points: int) -> np.ndarray:
    values = np.array(given[axis]["values"])
    values = values[np.isfinite(values)]
    return values[np.unique(np.linspace(0, len(values) - 1, points).round().astype(int))]


def _with_peak(values: np.ndarray, settings: dict[str, float], axis: str) -> np.ndarray:
    """The nearest of the values moved to where n = features: as many as before, for the same program."""
    peak = {"n": settings.get("features", math.inf), "features": settings["n"]}.get(axis, math.inf)
    if not values[0] < peak < values[-1]:
        return values
    at = int(np.clip(np.argmin(np.abs(np.log(values / peak))), 1, len(values) - 2))
    return np.where(np.arange(len(values)) == at, peak, values)


def _curve(
    task: Any, learner: Any, given: dict[str, Any], settings: dict[str, float], axis: str, points: int, drawer: Any
) -> dict[str, np.ndarray]:
    """x and what is drawn over it, each (points,)."""
    values = _with_peak(_chosen(given, axis, points), settings, axis)
    along = settings | {axis: values}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # said once by predict, not at every move
        drawn = drawer(*_others(settings)) if axis in MOVING else None
        if drawn is not None:
            columns = drawn({name: value for name, value in along.items() if name in MOVING})
        elif axis == "noise":  # every part of a risk is affine in it
            ends = [_theory(task_with(task, {"noise": noise}), learner_with(learner, settings), settings["n"])
                    for noise in (0.0, 1.0)]
            lines = {name: [float(end[name]) for end in ends] for name in _parts(ends[0])}
            columns = {name: low + (high - low) * values for name, (low, high) in lines.items()}
        else:
            own = learner_with(learner, {name: value for name, value in along.items() if name not in ("n", "noise")})
            curve = _theory(task_with(task, settings), own, along["n"])
            columns = {name: curve[name].values for name in _parts(curve)}
    found = {"x": values}
    for name, column in columns.items():
        if column.shape == values.shape:
            found["test" if name in ("error", "test_accuracy") else name] = column
    if "test" not in found:
        raise ValueError("explore draws one curve: give settings as numbers, not as arrays, and one output")
    return found


@double_precision
def _theory(task: Any, learner: Any, n: Any) -> Any:
    """As `predict`, without what is not drawn: a sixth of its time."""
    method, options = method_for("predict", task, learner)
    return method.theory(task, learner, n, **options)


def _drawn(data: Any) -> str:
    return next(name for name in ("test", "error", "test_accuracy") if name in data)


def _parts(data: Any) -> list[str]:
    return [_drawn(data), *(name for name in ("train", "bias", "variance", "noise") if name in data)]


def _whole(settings: dict[str, Any]) -> int:
    return max(round(float(settings["n"])), 1)


def _code(task: Any, learner: Any, given: dict[str, Any], settings: dict[str, float], axis: str) -> str:
    """What one would type for the curve."""
    values = _with_peak(_chosen(given, axis, POINTS), settings, axis)
    task, learner = task_with(task, settings), learner_with(learner, settings)
    task_text, learner_text = (re.sub(r"(?<![\w.])([A-Z]\w*)(?=[(.])", r"rg.\1", repr(noun)) for noun in (task, learner))
    task_text = "...  # yours" if "..." in task_text else task_text
    ends = f"np.geomspace({values[values > 0].min():g}, {values.max():g}, {POINTS})"
    along = ends if axis == "n" else f"{settings['n']:g}"
    learner_text, told = re.subn(rf"\b{axis}=[^,)]+", f"{axis}={ends}", learner_text)
    learner_text += "" if told or axis == "n" else f"  # along {axis}: give it as {ends}"
    return (
        f"import numpy as np\nimport rfgen as rg\n\ntask = {task_text}\nlearner = {learner_text}\n"
        f"rg.plot(rg.predict(task, learner, n={along}))\n"
    )


def _plain(value: Any) -> Any:
    """As JSON has it: what is not finite is None."""
    if isinstance(value, dict):
        return {key: _plain(own) for key, own in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [_plain(own) for own in (value.tolist() if isinstance(value, np.ndarray) else value)]
    return None if isinstance(value, float) and not math.isfinite(value) else value


@lru_cache(maxsize=1)
def _widget() -> Any:
    try:
        import anywidget
        import traitlets
    except ImportError:
        raise ImportError('explore needs anywidget: pip install "rfgen[notebook]"') from None

    class Explorer(anywidget.AnyWidget):
        """Where the sliders begin; all else are messages between the module `explorer.js` and Python."""

        _esm = pathlib.Path(__file__).with_name("explorer.js")
        sliders = traitlets.Dict().tag(sync=True)
        x = traitlets.Unicode().tag(sync=True)

    return Explorer
