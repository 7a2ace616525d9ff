# SPDX-License-Identifier: BSD-3-Clause
"""Counts, shares, durations and rates, as a person would say them."""

import numpy as np
import pandas as pd

_UNITS = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))


def count(n, what):
    """ "1 event", "2 events": the plural where it is one."""
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def share(value):
    """A share in percent: neither "-0%" nor "0%" where there is something."""
    if np.isnan(value):
        return "–"
    percent = 100 * value
    if percent == 0:
        return "0%"
    if abs(percent) < 0.01:
        return "under 0.01%" if percent > 0 else "above -0.01%"
    if 99.9 < percent < 100:
        return "over 99.9%"
    decimals = 0 if abs(percent) >= 10 else 1 if abs(percent) >= 0.1 else 2
    return f"{percent:.{decimals}f}%".replace(".0%", "%")


def number(value, digits=3):
    """Some digits, and no exponent where a person would write none."""
    if not np.isfinite(value):
        return "–"
    if value == 0:
        return "0"
    if not 1e-4 <= abs(value) < 1e15:
        return f"{value:.{digits}g}"
    decimals = max(digits - 1 - int(np.floor(np.log10(abs(value)))), 0)
    text = f"{value:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def duration(value):
    """A Timedelta in its largest fitting unit: "13 minutes", "1.5 days"."""
    seconds = pd.Timedelta(value).total_seconds()
    fitting = (unit for unit in _UNITS if seconds >= unit[1])
    name, length = next(fitting, _UNITS[-1])
    amount = number(seconds / length, 2 if seconds < 100 * length else 3)
    return f"{amount} {name}{'' if amount == '1' else 's'}"


def each(values):
    """ "a", "a and b", "a, b and c"."""
    *first, last = values
    return f"{', '.join(first)} and {last}" if first else f"{last}"
