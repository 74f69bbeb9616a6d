"""The case table: named problems with the oracle's values to 20 digits, written to cases.json.

Run `python -m tests.oracles.make_cases` from the root of the checkout; the output is deterministic. `load()` and
`spectrum()` are what tests read the table with. Values are decimal strings, "inf" where the risk diverges; some are
below the range of a float (norms of 1e-600). No case is ill-conditioned: changing every eigenvalue by a relative
1e-15, in alternating or random directions, moves no value by more than 2e-15: a loss of digits is the fast code's own.
"""

import json
import math
import pathlib

import mpmath

from tests.oracles.scalar import exact_risk

__all__ = ["CASES", "FIELDS", "expected", "load", "spectrum"]

PATH = pathlib.Path(__file__).with_name("cases.json")
FIELDS = ("test", "train", "bias", "variance", "noise", "norm", "kappa", "gamma")
DIGITS = 20
INF = math.inf


def spectrum(spec):
    """Arguments eigenvalues, power, multiplicity, null_power of a spectrum spec, as lists of Python floats."""
    kind, null_power = spec["kind"], spec.get("null_power", 0.0)
    if kind == "explicit":
        eigenvalues = [float(x) for x in spec["eigenvalues"]]
        multiplicity = [float(m) for m in spec.get("multiplicity", [1] * len(eigenvalues))]
        return dict(
            eigenvalues=eigenvalues,
            power=[float(v) for v in spec["power"]],
            multiplicity=multiplicity,
            null_power=null_power,
        )
    modes = range(1, spec["modes"] + 1)
    if kind == "power":
        eigenvalues = [float(i) ** -spec["alpha"] for i in modes]
    elif kind == "exponential":
        eigenvalues = [math.exp(-spec["rate"] * i) for i in modes]
    elif kind == "decades":
        eigenvalues = [10.0 ** -(spec["decades"] * (i - 1) / (spec["modes"] - 1)) for i in modes]
    else:
        raise ValueError(f"unknown kind of spectrum {kind!r}")
    power = [float(i) ** -spec["beta"] for i in modes]
    return dict(eigenvalues=eigenvalues, power=power, multiplicity=[1.0] * len(power), null_power=null_power)


def power(alpha, beta, modes=2000, **extra):
    return dict(kind="power", alpha=alpha, beta=beta, modes=modes, **extra)


def explicit(eigenvalues, power, **extra):
    return dict(kind="explicit", eigenvalues=eigenvalues, power=power, **extra)


TABLE = power(1.5, 1.5)
SMALL = power(1.5, 1.5, 100)
SILENT = explicit([1.0, 0.5, 0.25, 0.125], [0.0] * 4)
WIDE = dict(kind="decades", decades=300, modes=50, beta=1.5)
EXPONENTIAL = dict(kind="exponential", rate=0.1, beta=2.0, modes=400)
STEEP = dict(kind="exponential", rate=5.0, beta=1.0, modes=100)
ONE = explicit([1.0], [1.0])
ISOTROPIC = explicit([1.0], [1.0], multiplicity=[100])
TWO_LEVEL = explicit([1.0, 0.01], [0.8, 0.2], multiplicity=[10, 1000])
SPHERE = explicit([1.0, 1e-1, 1e-3, 1e-6], [0.1, 0.5, 0.3, 0.1], multiplicity=[1, 30, 464, 4930])
HUGE_FLAT = explicit([1.0, 1e-9], [1.0, 0.5], multiplicity=[1, 1e9])
SHORT = explicit([2.0, 1.0, 0.5, 0.25, 0.1], [1.0, 0.7, 0.5, 0.2, 0.1])
HOLES = explicit([1.0, 0.5, 0.0, 0.25, 0.0], [1.0, 0.5, 0.3, 0.25, 0.0])
MUTE_HOLES = explicit([1.0, 0.5, 0.0, 0.25, 0.0], [1.0, 0.5, 0.0, 0.25, 0.0])
NOTHING = explicit([0.0, 0.0], [0.6, 0.4])
ALOOF = power(1.5, 1.5, 100, null_power=0.4)
TINY = explicit([1e-300, 1e-305], [1.0, 0.5])
LARGE = explicit([1e300, 1e290, 1.0], [1.0, 0.5, 0.25])

# slug, spectrum, noise, n, k, ridge, difficulty
CASES = [
    # the reference table of THEORY.md section 6
    ("table-k10", TABLE, 0.5, 256, 10, 1e-3, "easy"),
    ("table-k300", TABLE, 0.5, 256, 300, 1e-3, "easy"),
    ("table-k1000", TABLE, 0.5, 256, 1000, 0.1, "easy"),
    ("table-kernel", power(1.2, 1.6), 0.1, 400, INF, 1e-6, "easy"),
    ("table-ridgeless", power(2.0, 1.4), 0.0, 100, INF, 0.0, "easy"),
    ("table-near-peak", TABLE, 0.5, 256, 257, 1e-8, "hard"),
    # every ridge, kernel and random features on either side of n
    *[
        (f"kernel-ridge-{ridge:g}", SMALL, 0.5, 40, INF, ridge, "extreme" if ridge in (1e-300, 1e300) else "easy")
        for ridge in (0.0, 1e-300, 1e-30, 1e-8, 1.0, 1e8, 1e300)
    ],
    *[
        (f"narrow-ridge-{ridge:g}", SMALL, 0.5, 40, 25, ridge, "extreme" if ridge in (1e-300, 1e300) else "easy")
        for ridge in (0.0, 1e-300, 1e-30, 1e-8, 1.0, 1e8, 1e300)
    ],
    *[
        (f"wide-ridge-{ridge:g}", SMALL, 0.5, 40, 90, ridge, "extreme" if ridge in (1e-300, 1e300) else "easy")
        for ridge in (0.0, 1e-300, 1e-30, 1e-8, 1.0, 1e8, 1e300)
    ],
    # the interpolation peak n = k below the rank
    *[
        (f"peak-ridge-{ridge:g}", SMALL, 0.5, 40, 40, ridge, "easy" if ridge == 1.0 else "extreme")
        for ridge in (0.0, 1e-300, 1e-30, 1e-8, 1.0, 1e300)
    ],
    ("peak-silent", SMALL, 0.0, 40, 40, 1e-12, "hard"),
    ("peak-zero-target", SILENT, 0.0, 3, 3, 0.0, "extreme"),
    ("peak-zero-target-noise", SILENT, 0.5, 3, 3, 0.0, "extreme"),
    ("peak-one-below", TABLE, 0.5, 256, 255, 1e-8, "hard"),
    ("peak-non-integer", SMALL, 0.5, 40.0, 40.0000001, 1e-20, "hard"),
    # one sample, one feature
    ("one-sample", SMALL, 0.5, 1, INF, 1e-3, "easy"),
    ("one-sample-ridgeless", SMALL, 0.5, 1, INF, 0.0, "easy"),
    ("one-feature", SMALL, 0.5, 40, 1, 1e-3, "easy"),
    ("one-feature-ridgeless", SMALL, 0.5, 40, 1, 0.0, "easy"),
    ("one-sample-one-feature", SMALL, 0.5, 1, 1, 1e-3, "hard"),
    ("one-sample-one-feature-ridgeless", SMALL, 0.5, 1, 1, 0.0, "extreme"),
    ("one-sample-many-features", SMALL, 0.5, 1, 500, 1e-30, "easy"),
    # more samples or features than modes, and exactly as many
    ("samples-beyond-modes", SHORT, 0.2, 20, INF, 1e-3, "easy"),
    ("samples-beyond-modes-ridgeless", SHORT, 0.2, 20, INF, 0.0, "hard"),
    ("samples-beyond-modes-tiny-ridge", SHORT, 0.2, 20, INF, 1e-300, "extreme"),
    ("features-beyond-modes", SHORT, 0.2, 3, 50, 1e-3, "easy"),
    ("features-beyond-modes-ridgeless", SHORT, 0.2, 3, 50, 0.0, "easy"),
    ("both-beyond-modes", SHORT, 0.2, 20, 50, 1e-3, "easy"),
    ("both-beyond-modes-ridgeless", SHORT, 0.2, 20, 50, 0.0, "hard"),
    ("both-beyond-modes-tiny-ridge", SHORT, 0.2, 20, 50, 1e-300, "extreme"),
    ("samples-equal-features-beyond-modes", SHORT, 0.2, 20, 20, 0.0, "hard"),
    ("samples-equal-features-beyond-modes-tiny-ridge", SHORT, 0.2, 20, 20, 1e-30, "hard"),
    ("samples-equal-modes", SHORT, 0.2, 5, INF, 1e-8, "hard"),
    ("samples-equal-modes-ridgeless", SHORT, 0.2, 5, INF, 0.0, "extreme"),
    ("samples-equal-modes-ridgeless-silent", SHORT, 0.0, 5, INF, 0.0, "extreme"),
    ("samples-equal-modes-tiny-ridge-silent", SHORT, 0.0, 5, INF, 1e-30, "extreme"),
    ("samples-equal-modes-wide-ridgeless", SHORT, 0.2, 5, 12, 0.0, "extreme"),
    ("samples-equal-modes-wide-tiny-ridge", SHORT, 0.2, 5, 12, 1e-30, "extreme"),
    ("features-equal-modes", SHORT, 0.2, 12, 5, 1e-8, "hard"),
    ("features-equal-modes-ridgeless", SHORT, 0.2, 12, 5, 0.0, "extreme"),
    ("features-equal-modes-tiny-ridge", SHORT, 0.2, 12, 5, 1e-300, "extreme"),
    ("features-equal-modes-few-samples-ridgeless", SHORT, 0.2, 3, 5, 0.0, "easy"),
    ("all-equal", SHORT, 0.2, 5, 5, 1e-3, "hard"),
    ("all-equal-ridgeless", SHORT, 0.2, 5, 5, 0.0, "extreme"),
    ("all-equal-tiny-ridge", SHORT, 0.2, 5, 5, 1e-300, "extreme"),
    ("all-equal-silent-tiny-ridge", SHORT, 0.0, 5, 5, 1e-60, "extreme"),
    ("all-equal-silent-ridgeless", SHORT, 0.0, 5, 5, 0.0, "extreme"),
    # 300 decades and other steep spectra
    *[
        (f"decades-kernel-ridge-{ridge:g}", WIDE, 0.5, 20, INF, ridge, "extreme")
        for ridge in (0.0, 1e-300, 1e-30, 1.0, 1e300)
    ],
    *[
        (f"decades-wide-ridge-{ridge:g}", WIDE, 0.5, 20, 30, ridge, "extreme")
        for ridge in (0.0, 1e-300, 1e-30, 1.0, 1e300)
    ],
    ("decades-narrow", WIDE, 0.5, 20, 10, 1e-100, "extreme"),
    ("decades-peak", WIDE, 0.5, 20, 20, 1e-100, "extreme"),
    ("decades-samples-beyond-modes", WIDE, 0.5, 60, INF, 1e-300, "extreme"),
    ("decades-samples-beyond-modes-ridgeless", WIDE, 0.5, 60, 70, 0.0, "extreme"),
    ("decades-one-sample", WIDE, 0.5, 1, INF, 0.0, "extreme"),
    ("exponential-kernel", EXPONENTIAL, 0.1, 100, INF, 1e-6, "easy"),
    ("exponential-ridgeless", EXPONENTIAL, 0.1, 100, INF, 0.0, "easy"),
    ("exponential-features", EXPONENTIAL, 0.1, 100, 150, 1e-10, "hard"),
    ("steep-kernel", STEEP, 0.1, 30, INF, 1e-50, "extreme"),
    ("steep-features", STEEP, 0.1, 30, 31, 0.0, "extreme"),
    # zero eigenvalues, null power, no target, no noise
    ("zero-eigenvalues-with-power", HOLES, 0.1, 2, INF, 1e-3, "easy"),
    ("zero-eigenvalues-with-power-features", HOLES, 0.1, 2, 8, 1e-3, "easy"),
    ("zero-eigenvalues-ridgeless", HOLES, 0.1, 10, INF, 0.0, "hard"),
    ("zero-eigenvalues-samples-equal-rank", HOLES, 0.1, 3, INF, 0.0, "extreme"),
    ("zero-eigenvalues-samples-equal-rank-no-noise", HOLES, 0.0, 3, 7, 0.0, "extreme"),
    ("zero-eigenvalues-without-power", MUTE_HOLES, 0.1, 2, 8, 1e-3, "easy"),
    ("zero-eigenvalues-without-power-silent", MUTE_HOLES, 0.0, 3, INF, 0.0, "extreme"),
    ("nothing-learnable", NOTHING, 0.5, 10, INF, 1e-3, "hard"),
    ("nothing-learnable-features", NOTHING, 0.5, 10, 4, 1e-3, "hard"),
    ("nothing-learnable-ridgeless", NOTHING, 0.5, 10, INF, 0.0, "extreme"),
    ("null-power", ALOOF, 0.1, 40, INF, 1e-3, "easy"),
    ("null-power-features", ALOOF, 0.0, 40, 60, 0.0, "easy"),
    ("zero-power", SILENT, 0.5, 2, 9, 1e-2, "easy"),
    ("zero-power-no-noise", SILENT, 0.0, 2, 9, 1e-2, "hard"),
    ("no-noise", SMALL, 0.0, 40, INF, 1e-3, "easy"),
    ("no-noise-features-ridgeless", SMALL, 0.0, 40, 60, 0.0, "easy"),
    ("no-noise-samples-beyond-modes-ridgeless", SHORT, 0.0, 20, INF, 0.0, "extreme"),
    ("no-noise-samples-beyond-modes-tiny-ridge", SHORT, 0.0, 20, 50, 1e-30, "extreme"),
    # few modes, multiplicities
    ("one-mode", ONE, 0.1, 10, INF, 1.0, "easy"),
    ("one-mode-features", ONE, 0.1, 10, 3, 1.0, "easy"),
    ("one-mode-one-sample-ridgeless", ONE, 0.1, 1, INF, 0.0, "extreme"),
    ("one-mode-everything-one", ONE, 0.1, 1, 1, 1.0, "hard"),
    ("isotropic-underparametrised", ISOTROPIC, 0.2, 200, INF, 0.0, "easy"),
    ("isotropic-overparametrised", ISOTROPIC, 0.2, 50, INF, 0.0, "easy"),
    ("isotropic-peak", ISOTROPIC, 0.2, 100, INF, 0.0, "extreme"),
    ("isotropic-peak-ridge", ISOTROPIC, 0.2, 100, INF, 1e-10, "hard"),
    ("two-level-kernel", TWO_LEVEL, 0.1, 100, INF, 1e-3, "easy"),
    ("two-level-features", TWO_LEVEL, 0.1, 100, 300, 1e-3, "easy"),
    ("two-level-plateau", TWO_LEVEL, 0.1, 11, INF, 0.0, "easy"),
    ("two-level-narrow", TWO_LEVEL, 0.1, 500, 11, 1e-6, "hard"),
    ("sphere-kernel", SPHERE, 0.1, 200, INF, 1e-4, "easy"),
    ("sphere-level-boundary", SPHERE, 0.1, 496, INF, 1e-9, "hard"),
    ("sphere-features", SPHERE, 0.1, 3000, 495, 1e-7, "hard"),
    ("benign-tail", HUGE_FLAT, 0.1, 1000, INF, 0.0, "hard"),
    ("benign-tail-features", HUGE_FLAT, 0.1, 1000, 100000, 1e-6, "hard"),
    # large and non-integer sizes
    ("huge-n", TABLE, 0.5, 1e9, INF, 1e-3, "hard"),
    ("huge-n-features", TABLE, 0.5, 1e9, 1000, 1e-3, "hard"),
    ("huge-n-matched-ridge", TABLE, 0.5, 1e9, INF, 1e6, "easy"),
    ("huge-k", TABLE, 0.5, 256, 1e9, 1e-3, "easy"),
    ("huge-both", SMALL, 0.5, 1e9, 1e9, 1e-8, "extreme"),
    ("non-integer-n", SMALL, 0.5, 12.5, INF, 1e-2, "easy"),
    ("non-integer-n-features", SMALL, 0.5, 12.5, 20.25, 1e-2, "easy"),
    ("non-integer-below-one", SMALL, 0.5, 0.25, 20, 1e-2, "easy"),
    ("non-integer-ridgeless", SMALL, 0.5, 99.5, INF, 0.0, "hard"),
    # scales at the ends of the float range
    ("tiny-eigenvalues", TINY, 0.5, 1, INF, 1e-302, "extreme"),
    ("tiny-eigenvalues-ridge-one", TINY, 0.5, 1, 3, 1.0, "extreme"),
    ("large-eigenvalues", LARGE, 0.5, 2, INF, 1e-3, "extreme"),
    ("large-eigenvalues-features", LARGE, 0.5, 2, 4, 1e295, "extreme"),
    ("heavy-tail", power(1.01, 1.5), 0.1, 300, 500, 1e-3, "easy"),
    ("light-tail", power(6.0, 3.0), 0.1, 300, 500, 1e-12, "hard"),
    ("optimal-looking-ridge", power(1.2, 1.6), 0.1, 400, INF, 2.0, "easy"),
]


def expected(spec, noise, n, k, ridge):
    """The oracle's values as strings of 20 digits."""
    values = exact_risk(**spectrum(spec), noise=noise, n=n, k=k, ridge=ridge)
    return {name: "inf" if mpmath.isinf(values[name]) else mpmath.nstr(values[name], DIGITS) for name in FIELDS}


def load():
    """The stored table: a list of dicts, with n, k, ridge, noise as floats (k may be inf)."""
    records = json.loads(PATH.read_text())
    for record in records:
        record.update({name: float(record[name]) for name in ("noise", "n", "k", "ridge")})
    return records


def main():
    records = []
    for slug, spec, noise, n, k, ridge, difficulty in CASES:
        records.append(
            dict(
                slug=slug,
                difficulty=difficulty,
                spectrum=spec,
                noise=noise,
                n=n,
                k="inf" if math.isinf(k) else k,
                ridge=ridge,
                expected=expected(spec, noise, n, k, ridge),
            )
        )
    PATH.write_text("[\n" + ",\n".join(json.dumps(record) for record in records) + "\n]\n")
    print(f"{len(records)} cases")


if __name__ == "__main__":
    main()
