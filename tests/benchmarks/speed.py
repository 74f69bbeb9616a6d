"""Every speed figure of the design, measured: `python tests/benchmarks/speed.py [--quick] [--out FILE.json]`.

Prints each figure beside its target and writes them as JSON, by default to `tests/benchmarks/results/`.  A figure that
compares two times takes both from this one process, alternating, and uses the smallest of several repeats, so that a
busy machine disturbs it least.  On a machine that others keep busy, pin it to one core, where no thread waits for another:
`OPENBLAS_NUM_THREADS=1 taskset -c 0 python tests/benchmarks/speed.py`.
"""

__all__ = ["TARGETS", "main"]

import argparse
import datetime
import importlib.metadata
import itertools
import json
import math
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))  # for a run as a script

import jax
import jax.numpy as jnp
import numpy as np

import rfgen as rg
from rfgen.problems.spectra.spectrum import Spectrum
from rfgen.simulation.runs.risk import risk as simulated_risk
from rfgen.simulation.sampling.samplers import sampler
from tests.benchmarks.bare_algebra import Setting, bare_trial, random_numbers, stages
from tests.benchmarks.compilations import sweep_one_by_one
from tests.benchmarks.nested_bisection import nested_bisection

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Figure: (sense, value, unit, what it is).
TARGETS: dict[str, tuple[str, float, str, str]] = {
    "grid per point, 10,000 modes": ("<=", 5.0, "µs", "rg.predict on the published 31x31x17 grid, smallest"),
    "grid whole, 10,000 modes": ("<=", 0.1, "s", "all 16,337 points, smallest"),
    "grid per point, infinite": ("<=", 5.0, "µs", "the same with modes=None"),
    "grid whole, infinite": ("<=", 0.1, "s", "all 16,337 points, smallest"),
    "nested bisection / rfgen": (">=", 8000.0, "x", "time per point over all modes in numpy, 60x60 steps"),
    "nested bisection, difference": ("<=", 1e-6, "", "largest relative difference of the test risk"),
    "curve, 10^6 modes / 10^3": ("<=", 1.3, "x", "4,096 points of rg.predict after compression"),
    "curve, 10^7 modes / 10^3": ("<=", 1.3, "x", "the same"),
    "compression, 10^6 modes": ("<=", 2.0, "s", "Task.modes, once"),
    "compression, 10^7 modes": ("<=", math.inf, "s", "Task.modes, once"),
    "compression, error": ("<=", 1e-12, "", "largest relative error of the sums over 10^3, 10^6, 10^7 modes"),
    "import": ("<=", 0.3, "s", "`import rfgen` after `import jax`, median over processes"),
    "import, heavy modules": ("<=", 0, "", "xarray, matplotlib, sympy, scipy, tqdm, ... loaded by `import rfgen`"),
    "recompilations, n": ("<=", 0, "", "20 scalar calls of rg.predict after a first one"),
    "recompilations, ridge": ("<=", 0, "", "the same"),
    "recompilations, noise": ("<=", 0, "", "the same, a new Task each"),
}
VERBS = ("predict", "simulate", "check", "optimal_ridge", "plot")
TARGETS |= {f"first call, {verb}": ("<=", 3.0, "s", "fresh process, compilation included, smallest") for verb in VERBS}
SETTINGS = (
    Setting(512, None, 4000), Setting(1024, None, 4000), Setting(1024, None, 10_000), Setting(512, 1024, 10_000),
    Setting(512, 256, 400),
)  # fmt: skip
TARGETS |= {
    f"simulation, {setting.name}": (">=", 0.7, "", "bare linear algebra / rfgen.simulation.runs.risk, time per trial")
    for setting in SETTINGS
}

HEAVY = ("xarray", "pandas", "matplotlib", "sympy", "scipy", "tqdm", "dask", "distributed", "sklearn", "mpmath")

Figures = dict[str, float]
Detail = dict[str, Any]


def timed(function: Callable[[], Any]) -> float:
    """Seconds of one call, device work included."""
    start = time.perf_counter()
    jax.block_until_ready(function())
    return time.perf_counter() - start


def alternating(functions: dict[str, Callable[[], Any]], repeats: int, least: float = 0.0) -> dict[str, list[float]]:
    """Seconds of every call of each function, called in turn after one call each that is not counted.

    At least `repeats` rounds, and as many more as fit into `least` seconds.
    """
    for function in functions.values():
        jax.block_until_ready(function())
    times: dict[str, list[float]] = {name: [] for name in functions}
    begun = time.perf_counter()
    for round_number in itertools.count():
        if round_number >= repeats and time.perf_counter() - begun > least:
            break
        for name, function in functions.items():
            times[name].append(timed(function))
    return times


def published_task(modes: int | None) -> rg.Task:
    """The task of the published figures: lambda = v^2 = i^-1.5, noise 0.5."""
    return rg.Task.power_law(alpha=1.5, beta=1.5, noise=0.5, modes=modes)


def published_curve(task: rg.Task) -> Any:
    """`rg.predict` on the published grid: 31 sizes, 31 numbers of features, 17 ridges."""
    sizes = np.geomspace(10.0, 1e4, 31)
    return rg.predict(task, rg.Learner(rg.Ridge(2.0 ** np.arange(-12, 5)), features=sizes), n=sizes)


def grid(quick: bool) -> tuple[Figures, Detail]:
    """The published grid, 16,337 points, at 10,000 and at infinitely many modes."""
    figures, detail = {}, {}
    tasks = {"10,000 modes": published_task(10_000), "infinite": published_task(None)}
    points = published_curve(tasks["infinite"]).test.size
    calls = {name: lambda task=task: published_curve(task).test.values for name, task in tasks.items()}
    for name, seconds in alternating(calls, 7 if quick else 25).items():
        figures[f"grid per point, {name}"] = min(seconds) / points * 1e6
        figures[f"grid whole, {name}"] = min(seconds)
        detail[name] = {
            "points": points,
            "nodes": int(tasks[name].modes.eigenvalues.size),
            "median microseconds per point": statistics.median(seconds) / points * 1e6,
            "repeats": len(seconds),
        }
    return figures, detail


def baseline(quick: bool) -> tuple[Figures, Detail]:
    """Nested bisection over the 10,000 modes against the same points of the published grid."""
    task = published_task(10_000)
    points = [(40.0, 200.0, 2.0**-6), (1000.0, 400.0, 2.0**-12), (300.0, 300.0, 1.0), (1e4, 1e3, 2.0**-3)]
    points = points[:2] if quick else points
    eigenvalues, power = np.array(task.eigenvalues), np.array(task.power[0])
    theirs, seconds = [], []
    for n, k, ridge in points:
        nested_bisection(eigenvalues, power, n, k, ridge, 0.5)
        start = time.perf_counter()
        theirs.append(nested_bisection(eigenvalues, power, n, k, ridge, 0.5)["test"])
        seconds.append(time.perf_counter() - start)
    ours = [float(rg.predict(task, rg.Learner(rg.Ridge(ridge), features=k), n=n).test) for n, k, ridge in points]
    size = published_curve(task).test.size
    own = min(alternating({"grid": lambda: published_curve(task).test.values}, 7)["grid"]) / size
    difference = max(abs(left / right - 1) for left, right in zip(theirs, ours, strict=True))
    figures = {"nested bisection / rfgen": min(seconds) / own, "nested bisection, difference": difference}
    return figures, {"baseline milliseconds per point": min(seconds) * 1e3, "rfgen microseconds per point": own * 1e6}


def _compression_error(task: rg.Task) -> float:
    """Largest relative error of the sums the theory uses, against all the modes in extended precision, over gamma."""
    modes, worst = task.modes, 0.0
    for gamma in np.geomspace(1e-12, 1e1, 5 if task.eigenvalues.size > 10**6 else 14):
        block = 1 << 20
        exact = np.zeros(4, np.longdouble)
        for start in range(0, task.eigenvalues.size, block):
            values = task.eigenvalues[start : start + block].astype(np.longdouble)
            power = task.power[0, start : start + block]
            learned = values / (values + np.longdouble(gamma))
            missed = np.longdouble(gamma) / (values + np.longdouble(gamma))
            sums = (learned, learned * learned, learned * missed, missed * missed * power)
            exact += np.array([np.sum(term) for term in sums])
        learned, missed = modes.eigenvalues / (modes.eigenvalues + gamma), gamma / (modes.eigenvalues + gamma)
        weights = (modes.multiplicity, modes.multiplicity, modes.multiplicity, modes.power)
        terms = (learned, learned * learned, learned * missed, missed * missed)
        ours = np.array([np.sum(weight * term) for weight, term in zip(weights, terms, strict=True)])
        worst = max(worst, float(np.max(np.abs(ours / exact - 1))))
    return worst


def compression(quick: bool) -> tuple[Figures, Detail]:
    """Curves and their one-off compression at 10^3, 10^6 and 10^7 modes."""
    exponents = (3, 6) if quick else (3, 6, 7)
    sizes, figures, detail, tasks = np.geomspace(10.0, 900.0, 4096), {}, {}, {}
    spent: dict[int, list[float]] = {exponent: [] for exponent in exponents}
    for exponent in exponents:
        for _ in range(1 if quick else 3):
            tasks[exponent] = published_task(10**exponent)
            start = time.perf_counter()
            nodes = tasks[exponent].modes.eigenvalues.size
            spent[exponent].append(time.perf_counter() - start)
        detail[f"10^{exponent}"] = {"nodes": int(nodes), "compression seconds": min(spent[exponent])}
    learner = rg.Learner(rg.Ridge(1e-3), features=2000)
    calls = {e: lambda task=task: rg.predict(task, learner, n=sizes).test.values for e, task in tasks.items()}
    times = alternating({f"10^{e}": call for e, call in calls.items()}, 15 if quick else 40)
    for name, seconds in times.items():
        detail[name]["microseconds per point"] = min(seconds) / sizes.size * 1e6
    for exponent in exponents[1:]:
        figures[f"curve, 10^{exponent} modes / 10^3"] = min(times[f"10^{exponent}"]) / min(times["10^3"])
        figures[f"compression, 10^{exponent} modes"] = min(spent[exponent])
    figures["compression, error"] = max(_compression_error(task) for task in tasks.values())
    return figures, detail


def _simulated(setting: Setting) -> Callable[[], Any]:
    """One pair of trials of the package in `setting`, ready to be timed."""
    spectrum = Spectrum.power_law(1.5, setting.modes)
    task = rg.Task(spectrum, spectrum.power_law_target(1.5), noise=0.5)
    source = sampler(task, "float64", "population")
    keys = jax.random.split(jax.random.key(0, impl="threefry2x32"), 2).reshape(1, 2)
    ridges, noise = jnp.geomspace(1e-3, 1e1, setting.ridges), jnp.asarray(task.noise)
    return lambda: simulated_risk(source, keys, setting.n, setting.features, ridges, noise, batched=False)


def simulation(quick: bool) -> tuple[Figures, Detail]:
    """One simulated trial against its bare linear algebra, and its random numbers, in double precision."""
    figures, detail = {}, {}
    with jax.enable_x64(True):
        for setting in SETTINGS[:1] + SETTINGS[4:] if quick else SETTINGS:
            bare, operands = bare_trial(setting)
            draw = random_numbers(setting)
            key = jax.random.key(1, impl="threefry2x32")
            calls = {
                "whole": _simulated(setting),
                "bare": lambda bare=bare, operands=operands: bare(*operands),
                "random": lambda draw=draw, key=key: draw(key),
            }
            parts = {} if quick else stages(setting)
            calls |= {part: lambda function=function, on=on: function(*on) for part, (function, on) in parts.items()}
            times = alternating(calls, 3 if quick else 5, 2.0 if quick else 20.0)
            best = {name: min(seconds) for name, seconds in times.items()}
            whole = best.pop("whole") / 2  # a pair of trials
            figures[f"simulation, {setting.name}"] = best["bare"] / whole
            detail[setting.name] = {
                "milliseconds per trial": whole * 1e3,
                "bare milliseconds": best.pop("bare") * 1e3,
                "random numbers, share of a trial": best.pop("random") / whole,
                "stages, milliseconds": {part: seconds * 1e3 for part, seconds in best.items()},
            }
    return figures, detail


def _fresh(code: str) -> Any:
    """What a fresh process with this package prints as JSON."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "MPLBACKEND": "Agg"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    return json.loads(done.stdout.splitlines()[-1])


IMPORT = f"""
import json, sys, time
start = time.perf_counter()
import jax
middle = time.perf_counter()
before = set(sys.modules)
import rfgen
end = time.perf_counter()
heavy = [name for name in {HEAVY!r} if name in sys.modules and name not in before]
shared = [name for name in {HEAVY!r} if name in before]
print(json.dumps(dict(jax=middle - start, rfgen=end - middle, heavy=heavy, shared=shared)))
"""


def imports(quick: bool) -> tuple[Figures, Detail]:
    """What `import rfgen` adds to `import jax`."""
    found = [_fresh(IMPORT) for _ in range(3 if quick else 7)]
    heavy = sorted({name for one in found for name in one["heavy"]})
    figures = {
        "import": statistics.median(one["rfgen"] for one in found),
        "import, heavy modules": len(heavy),
    }
    return figures, {
        "smallest seconds": min(one["rfgen"] for one in found),
        "jax alone, seconds": statistics.median(one["jax"] for one in found),
        "heavy modules": heavy,
        "loaded by jax itself": found[0]["shared"],
    }


FIRST_CALL = """
import json, time
import numpy as np
import jax
import rfgen as rg
task = rg.Task.power_law(alpha=1.5, beta=1.5, noise=0.5, modes=10_000)
learner, sizes = rg.Learner(rg.Ridge([1e-3, 0.1]), features=256), [64, 128, 256]
small = rg.Task.power_law(alpha=1.5, beta=1.5, noise=0.5, modes=1000)
curve = {prepare}
start, work = time.perf_counter(), time.process_time()
{call}
print(json.dumps([time.perf_counter() - start, time.process_time() - work]))
"""
CALLS = {
    "predict": ("None", "rg.predict(task, learner, n=sizes)"),
    "simulate": ("None", "rg.simulate(small, learner, n=128, trials=10)"),
    "check": ("None", "rg.check(small, learner, n=128, trials=10)"),
    "optimal_ridge": ("None", "rg.optimal_ridge(task, rg.Learner(rg.Ridge(0.1), features=256), n=sizes)"),
    "plot": ("rg.predict(task, learner, n=sizes)", "rg.plot(curve, x='n')"),
}


def first_calls(quick: bool) -> tuple[Figures, Detail]:
    """The first call of every verb in a fresh process, compilation and late imports included."""
    figures, detail = {}, {}
    for verb, (prepare, call) in CALLS.items():
        found = [_fresh(FIRST_CALL.format(prepare=prepare, call=call)) for _ in range(1 if quick else 3)]
        seconds, work = zip(*found, strict=True)
        figures[f"first call, {verb}"] = min(seconds)
        detail[verb] = {"call": call, "median seconds": statistics.median(seconds), "processor seconds": min(work)}
    return figures, detail


def recompilations(quick: bool) -> tuple[Figures, Detail]:
    """Backend compilations in sweeps over n, ridge and noise, one scalar call each."""
    del quick
    counts = sweep_one_by_one()
    return {f"recompilations, {name}": counts[name] for name in ("n", "ridge", "noise")}, counts


PARTS = {
    "grid": grid, "baseline": baseline, "compression": compression, "simulation": simulation, "imports": imports,
    "first calls": first_calls, "recompilations": recompilations,
}  # fmt: skip


def machine() -> Detail:
    """What the figures depend on, without saying whose machine it was."""
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in ("jax", "jaxlib", "numpy")},
        "platform": jax.devices()[0].platform,
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "load at start": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
    }


def met(name: str, value: float) -> bool:
    """Whether a figure reaches its target."""
    sense, target, *_ = TARGETS[name]
    return value <= target if sense == "<=" else value >= target


def row(name: str, value: float) -> str:
    """One line of the table."""
    sense, target, unit, meaning = TARGETS[name]
    verdict = "" if math.isinf(target) else ("met" if met(name, value) else "MISSED")
    bound = "" if math.isinf(target) else f"{sense} {target:g}"
    return f"{name:36}{value:>10.4g} {unit:2}  {bound:9} {verdict:7} {meaning}"


def main(arguments: list[str] | None = None) -> int:
    """Measure, print the table, write the JSON; the exit status is the number of missed targets."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer repeats and settings: a minute")
    parser.add_argument("--only", choices=PARTS, action="append", help="measure this part only (repeatable)")
    parser.add_argument("--out", type=pathlib.Path, help="JSON file (default: tests/benchmarks/results/<kind>.json)")
    options = parser.parse_args(arguments)
    about = machine()
    print(", ".join(f"{key} {value}" for key, value in about.items()))
    figures: dict[str, Any] = {}
    details = {}
    for part in options.only or PARTS:
        values, details[part] = PARTS[part](options.quick)
        for name, value in values.items():
            print(row(name, value), flush=True)
            sense, target, unit, meaning = TARGETS[name]
            figures[name] = {
                "value": value, "unit": unit, "met": met(name, value), "meaning": meaning,
                "target": None if math.isinf(target) else f"{sense} {target:g}",
            }  # fmt: skip
    missed = [name for name, figure in figures.items() if not figure["met"]]
    print("\n".join([f"{len(figures) - len(missed)} of {len(figures)} targets met", *(f"  missed: {m}" for m in missed)]))
    kind = f"{about['platform']}-{about['cores']}-cores"
    out = options.out or pathlib.Path(__file__).parent / "results" / f"{kind}{'-quick' if options.quick else ''}.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    record = {"machine": about, "quick": options.quick, "figures": figures, "details": details}
    out.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n")
    return len(missed)


if __name__ == "__main__":
    sys.exit(main())
