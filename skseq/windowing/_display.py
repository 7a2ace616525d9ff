# SPDX-License-Identifier: BSD-3-Clause
"""The HTML display of Windows: what is in them, and how one lies in its rows."""

from html import escape

import numpy as np

from ..rows._words import count, share

_WIDTH, _BAND = 480, 26  # pixels: of the picture, and for each feature
_MAX_FEATURES, _MAX_POINTS = 4, 240
_MAX_ROWS = 10_000  # of which the share of missing cells is told
_LINE = "#0072b2"


def windows_html(windows):
    """Shape, series, share missing, and a picture of some rows with one window."""
    n, n_timesteps, n_features = windows.shape
    facts = {
        "windows": f"{n:,} of {count(n_timesteps, 'step')}, "
        f"{count(n_features, 'feature')}"
    }
    picture = ""
    if n:
        facts["series"] = f"{len(np.unique(windows.series)):,}"
        facts["missing"] = _missing(windows)
        picture = _picture(windows)
    lines = "".join(
        f"<tr><th style='text-align:left'>{name}</th>"
        f"<td style='text-align:left'>{text}</td></tr>"
        for name, text in facts.items()
    )
    return f"<div><b>Windows</b><table>{lines}</table>{picture}</div>"


def _missing(windows):
    """Share of the cells of rows that is NaN, and of the steps that are padding."""
    ends = windows.ends[:: 1 + len(windows) // _MAX_ROWS]
    cells = np.isnan(windows.table[ends]).mean()
    steps = (windows.ends - windows.starts + 1).mean() / windows.n_timesteps
    return f"{share(cells)} of the cells; {share(1 - steps)} of the steps are padding"


def _picture(windows):
    """Rows around the longest window as lines, one for each feature, and its place."""
    k = int(np.argmax(windows.ends - windows.starts))
    first, last = int(windows.starts[k]), int(windows.ends[k])
    series = int(np.searchsorted(windows.series_starts, last, side="right")) - 1
    bounds = [*windows.series_starts, len(windows.table)]
    around = max(2 * (last - first + 1), 20)
    low = max(int(bounds[series]), first - around)
    high = min(int(bounds[series + 1]), last + 1 + around)
    rows = np.arange(low, high, 1 + (high - low) // _MAX_POINTS)
    x = _WIDTH * (rows - low) / max(high - 1 - low, 1)
    names = windows.feature_names
    if names is None:
        names = [f"feature {j}" for j in range(windows.shape[2])]
    lines, n_lines = [], min(len(names), _MAX_FEATURES)
    for j in range(n_lines):
        values = np.asarray(windows.table[rows, j], dtype=float)
        lines.append(
            f"<path d='{_path(x, values, j * _BAND)}' fill='none' stroke='{_LINE}'/>"
            f"<text x='{_WIDTH + 6}' y='{(j + 0.7) * _BAND:.0f}' font-size='11' "
            f"fill='currentColor'>{escape(str(names[j])[:24])}</text>"
        )
    left, right = _WIDTH * (np.array([first, last]) - low) / max(high - 1 - low, 1)
    height = n_lines * _BAND
    return (
        f"<svg width='{_WIDTH + 160}' height='{height}' role='img' "
        f"style='max-width:100%' viewBox='0 0 {_WIDTH + 160} {height}'>"
        f"<title>Rows {low} to {high - 1}; one window is shaded</title>"
        f"<rect x='{left:.1f}' y='0' width='{max(right - left, 1):.1f}' "
        f"height='{height}' fill='#e69f00' fill-opacity='.3'/>{''.join(lines)}</svg>"
    )


def _path(x, values, top):
    """A line through values in a band of the picture, broken where they are NaN."""
    seen = np.isfinite(values)
    if not seen.any():
        return ""
    low, high = values[seen].min(), values[seen].max()
    level = (values - low) / (high - low) if high > low else np.full(len(values), 0.5)
    y = top + _BAND * (0.9 - 0.8 * level)
    starts = seen & ~np.append(False, seen[:-1])
    return "".join(
        f"{'M' if begins else 'L'}{a:.1f} {b:.1f}"
        for a, b, is_seen, begins in zip(x, y, seen, starts, strict=True)
        if is_seen
    )
