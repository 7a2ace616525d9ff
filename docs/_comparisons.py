# SPDX-License-Identifier: BSD-3-Clause
"""Pictures of the tables in benchmarks/RESULTS.md, where alone the figures stand."""

import re
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

RESULTS = Path(__file__).parents[1] / "benchmarks" / "RESULTS.md"
NUMBER = re.compile(r"-?[\d,]*\.?\d+")
COLORS = {
    "RareEventClassifier()": "#c0392b",
    "DetectorCommittee": "#c0392b",
    "native": "#c0392b",
}
GREYS = "#1f3b57 #4f7ea8 #8fb3d1 #b0a48f #6d6455 #a8c09a".split()


def tables(text):
    """Each Markdown table of a text: the heading it stands under, and its rows."""
    heading, rows = "", []
    for line in [*text.splitlines(), ""]:
        if line.startswith("|"):
            rows.append([cell.strip() for cell in line.strip("|").split("|")])
        elif rows:
            yield heading, rows[:1] + rows[2:]
            rows = []
        if line.startswith("#"):
            heading = line.strip("# ")


def table_with(*cells, text=None):
    """The first table whose header has these cells: its header and its rows."""
    text = RESULTS.read_text(encoding="utf-8") if text is None else text
    for _, (header, *rows) in tables(text):
        if set(cells) <= set(header):
            return header, rows
    raise LookupError(f"RESULTS.md has no table with the columns {cells}.")


def number(cell):
    """The first number of a cell, NaN where it has none or refers to a note."""
    found = NUMBER.search(cell)
    if found is None or cell.startswith("("):
        return np.nan
    return float(found[0].replace(",", ""))


def _dots(header, rows, kept, title):
    """One line for each data set, one dot for each model."""
    rows = [row for row in rows if row[0] in kept]
    figure = Figure(figsize=(8, 0.5 * len(header) + 1.6), layout="constrained")
    axes = figure.subplots()
    names, colors = header[1:], iter(GREYS)
    for row in rows:
        ours = row[0] in COLORS
        axes.plot(
            [number(cell) for cell in row[1:]],
            np.arange(len(names)),
            "D" if ours else "o",
            color=COLORS.get(row[0]) or next(colors),
            markersize=9 if ours else 7,
            zorder=3 if ours else 2,
            label=kept[row[0]] or row[0],
        )
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set(xlim=(0, 1), xlabel="average precision", title=title)
    axes.grid(axis="both", color="#dddddd")
    figure.legend(loc="outside lower center", ncols=3, frameon=False)
    return figure


def with_labels():
    """The classifier's committee beside each of its members, and beside XGBOD."""
    header, rows = table_with("occ. 1", "C-MAPSS", "gen. 5%", "model")
    kept = dict.fromkeys(
        [
            "residual alone",
            "lstm alone",
            "forest alone",
            "logistic alone",
            "XGBOD's idea",
            "RareEventClassifier()",
        ]
    )
    return _dots(header, rows, kept, "A few labelled events")


def without_labels():
    """The committee of detectors beside each of its members."""
    header, rows = table_with("chaotic", "TEP *", "mean", "score")
    default = "network in MovingReference 1 (the default)"
    rows = [
        ["DetectorCommittee" if row[0] == default else row[0], *row[1:]] for row in rows
    ]
    kept = dict.fromkeys(
        [
            "ResidualAutoencoder",
            "LSTMAutoencoder, Mahalanobis",
            "IsolationForest",
            "DetectorCommittee",
        ]
    )
    return _dots(header, rows, kept, "No labels")


def training():
    """Seconds an epoch of each engine, by network."""
    text = RESULTS.read_text(encoding="utf-8")
    cases = re.findall(r"^(\d+ x .*?), batch .*?layers (\S+) \(peak", text, re.M)
    found = [
        rows
        for _, (header, *rows) in tables(text)
        if header[0] == "engine" and "times Keras" in header
    ]
    if not cases or len(cases) != len(found):
        raise LookupError("RESULTS.md names other training cases than it has tables.")
    figure = Figure(figsize=(8, 3.6), layout="constrained")
    axes = figure.subplots()
    labels = {"native1": "skseq, 1 thread", "native2": "skseq, 2 threads"}
    labels |= {"keras": "Keras", "torch": "PyTorch"}
    shades = {"native1": "#e08a7f", "native2": "#c0392b", "keras": "#1f3b57"}
    for k, (engine, label) in enumerate(labels.items()):
        seconds = [number(dict(map(_first_two, rows))[engine]) for rows in found]
        places = np.arange(len(found)) + 0.2 * (k - 1.5)
        color = shades.get(engine, "#8fb3d1")
        bars = axes.bar(places, seconds, 0.2, color=color, label=label)
        axes.bar_label(bars, fmt="{:.2g}", fontsize=7)
    axes.set_yscale("log")
    axes.set_xticks(range(len(cases)), [f"{size}\nlayers {n}" for size, n in cases])
    axes.set(ylabel="seconds an epoch", title="Training an LSTM autoencoder")
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside lower center", ncols=4, frameon=False)
    return figure


def _first_two(row):
    return row[:2]


def growth():
    """Seconds of a fit and of each step against rows, and against width."""
    of_fits, steps, n_rows = {}, {}, ""
    _, rows = table_with("rows", "max_samples", "s", "CPU s")
    for first, most, value, *_ in rows:
        of_fits.setdefault(f"max_samples: {most}", []).append((first, value))
    _, rows = table_with("rows", "s", "µs a row", "of the table")
    for first, step, value, *_ in rows:
        n_rows = first or n_rows
        steps.setdefault(step, []).append((n_rows, value))
    _, widths = table_with("cells", "CPU seconds", "ns a cell and epoch")
    of_widths = {"": [(row[1], row[2]) for row in widths]}
    figure = Figure(figsize=(8, 3.6), layout="constrained")
    panels = {  # with room for what the lines are called
        "A fit, with the defaults": (of_fits, (10, 200)),
        "Each step (one epoch)": (steps, (0.01, 1e5)),
        "Four epochs, by width": (of_widths, (0.5, 20)),
    }
    every = zip(figure.subplots(1, 3), panels.items(), strict=True)
    for axes, (title, (lines, limits)) in every:
        for color, (name, points) in zip(GREYS, lines.items(), strict=False):
            points = [[number(cell) for cell in point] for point in points]
            points = [(n, s or np.nan) for n, s in points]  # 0.00: too little to tell
            axes.loglog(*zip(*points, strict=True), "o-", color=color, label=name)
        axes.set(xlabel="rows", title=title, ylim=limits)
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter("")
        axes.grid(color="#dddddd")
        if len(lines) > 1:
            axes.legend(fontsize=7, frameon=False)
    figure.axes[0].set_ylabel("seconds")
    figure.axes[2].set_xlabel("cells of a window")
    return figure


PICTURES = {
    "with_labels": with_labels,
    "without_labels": without_labels,
    "training": training,
    "growth": growth,
}


def draw(folder):
    """Write each picture into a folder."""
    for name, make in PICTURES.items():
        make().savefig(Path(folder, f"comparison_{name}.svg"))
