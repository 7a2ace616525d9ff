# SPDX-License-Identifier: BSD-3-Clause
"""Time and peak memory of functions, each run in a process of its own."""

import argparse
import json
import os
import platform
import resource
import statistics
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from datetime import date
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path

MEGABYTE = 1e6


@dataclass(frozen=True)
class Figures:
    """Medians over the runs of one function, with the spread of its time."""

    seconds: float
    fastest: float
    slowest: float
    megabytes: float


def _peak_bytes():
    # It starts at the parent's peak: the parent must import no more than this process.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _run(prepare, function, warm_up, clock):
    """Seconds of ``function(prepare())``, and what its process grew by, at its peak."""
    if warm_up is not None:
        function(warm_up())
    before = _peak_bytes()
    arguments = prepare()
    start = clock()
    result = function(arguments)
    seconds = clock() - start
    del result
    return seconds, (_peak_bytes() - before) / MEGABYTE


def compare(sides, prepare, *, warm_up=None, repeats=5, clock=time.perf_counter):
    """Measure functions of one input, taking turns.

    Parameters
    ----------
    sides : dict of str to callable
        Functions of one argument, at the top level of a module.

    prepare : callable
        Makes the argument. Its memory counts, its time does not.

    warm_up : callable, default=None
        Makes a small argument for a first run that does not count, so that what the
        functions import is not measured.

    repeats : int, default=5
        Number of processes for each function.

    clock : callable, default=time.perf_counter
        Tells the seconds: ``time.process_time`` those of the processor, where others
        use the machine as well.

    Returns
    -------
    figures : dict of str to Figures
    """
    runs = {name: [] for name in sides}
    for _ in range(repeats):
        for name, function in sides.items():
            # A fresh process: peak memory never comes down within one.
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
                run = process.submit(_run, prepare, function, warm_up, clock)
                runs[name].append(run.result())
    return {name: _summary(*zip(*each, strict=True)) for name, each in runs.items()}


def _summary(seconds, megabytes):
    return Figures(
        statistics.median(seconds),
        min(seconds),
        max(seconds),
        statistics.median(megabytes),
    )


def environment(*packages):
    """What the figures depend on: date, machine, and versions."""
    return {
        "date": date.today().isoformat(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        **{package: version(package) for package in packages},
    }


def print_table(title, rows):
    """Print rows (dicts with the same keys) as a Markdown table."""
    header = list(rows[0])
    cells = [header, *([str(row[key]) for key in header] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    print(f"\n{title}\n")
    for k, line in enumerate(cells):
        padded = (cell.ljust(n) for cell, n in zip(line, widths, strict=True))
        print(f"| {' | '.join(padded)} |")
        if k == 0:
            print(f"|{'|'.join('-' * (n + 2) for n in widths)}|")


def cell(values):
    """Mean of a figure over seeds, and its standard deviation where there are some."""
    import numpy as np  # no import of a process that measures its memory

    mean = f"{np.mean(values):.3f}"
    return mean if len(values) == 1 else f"{mean} ± {np.std(values, ddof=1):.3f}"


def parse_arguments(description, name):
    """Arguments that all benchmarks share: how often to run, and where to write."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument(
        "--repeats", type=int, default=5, help="processes for each side"
    )
    parser.add_argument(
        "--json",
        type=Path,
        default=Path(__file__).parent / "results" / f"{name}.json",
        help="file for the figures (default: %(default)s)",
    )
    return parser.parse_args()


def write_json(path, environment, figures):
    """Write figures, as nested dicts with Figures for leaves."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"environment": environment, **figures}, default=asdict, indent=1)
    path.write_text(text + "\n", encoding="utf-8")
    print(f"\nWritten to {path}")
