# SPDX-License-Identifier: BSD-3-Clause
"""Public series with labelled faults, downloaded once and checked by their hash."""

import json
import logging
import os
from collections.abc import Iterable
from contextlib import contextmanager
from numbers import Integral
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.utils import Bunch

from .._sklearn import Interval, StrOptions, validate_params

# Raw files of the public repositories at a fixed commit; registry-*.txt, beside this
# file, holds their hashes. Tests point these addresses elsewhere.
_BASE_URLS = {
    "nab": "https://raw.githubusercontent.com/numenta/NAB/"
    "ea702d75cc2258d9d7dd35ca8e5e2539d71f3140/",
    "tep": "https://raw.githubusercontent.com/camaramm/tennessee-eastman-profBraatz/"
    "0643318858ce7c87292bd59820b459e12a13d009/",
}
_NAB_FOLDER = "data/realKnownCause"
_TEP_FEATURES = [
    *(f"xmeas_{i}" for i in range(1, 42)),
    *(f"xmv_{i}" for i in range(1, 12)),
]
_TEP_FAULT_START = 160  # first faulty row of a test table

_COMMON_CONSTRAINTS: dict = {
    "data_home": [str, os.PathLike, None],
    "download_if_missing": ["boolean"],
    "return_X_y": ["boolean"],
    "n_retries": [Interval(Integral, 0, None, closed="left")],
}


def _archive(source, data_home, n_retries):
    """The files of one source: their addresses, hashes and place on disk."""
    import pooch

    home = data_home or os.environ.get("SKSEQ_DATA") or pooch.os_cache("skseq")
    archive = pooch.create(
        path=Path(home).expanduser() / source,
        base_url=_BASE_URLS[source],
        retry_if_failed=n_retries,
    )
    archive.load_registry(Path(__file__).with_name(f"registry-{source}.txt"))
    return archive


@contextmanager
def _quiet_pooch():
    """Hold back pooch's line on stderr for each file."""
    import pooch

    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)


def _fetch_file(archive, name, download_if_missing):
    """Path of a file with the registered hash, downloaded where needed."""
    path = archive.abspath / name
    if not path.exists() and not download_if_missing:
        raise OSError(
            f"{name} is not in {archive.abspath} and download_if_missing is False. "
            "Pass download_if_missing=True, or the data_home that holds it."
        )
    archive.allow_updates = download_if_missing
    try:
        with _quiet_pooch():
            return archive.fetch(name)
    except (OSError, ValueError) as error:  # no network, or not the registered hash
        raise OSError(
            f"Could not get {name} from {archive.get_url(name)}: {error}\n"
            "Check the network connection and try again, or download the file from "
            f"this address by other means and save it as {path}."
        ) from error


def _as_result(frame, target_name, return_X_y, **extra):
    data, target = frame.drop(columns=target_name), frame[target_name]
    if return_X_y:
        return data, target
    return Bunch(
        data=data,
        target=target,
        frame=frame,
        feature_names=data.columns.to_list(),
        **extra,
    )


@validate_params(
    {"name": [str], **_COMMON_CONSTRAINTS}, prefer_skip_nested_validation=True
)
def fetch_nab(
    name="machine_temperature_system_failure",
    *,
    data_home=None,
    download_if_missing=True,
    return_X_y=False,
    n_retries=3,
):
    """Load a series with known anomaly causes of the Numenta Anomaly Benchmark.

    One value every 5 to 60 minutes, and time windows that experts labelled as
    anomalous [1]_. Downloads a csv and the label file from the public repository, at
    a fixed commit, on first use.

    Parameters
    ----------
    name : str, default="machine_temperature_system_failure"
        ``"ambient_temperature_system_failure"``,
        ``"cpu_utilization_asg_misconfiguration"``,
        ``"ec2_request_latency_system_failure"``,
        ``"machine_temperature_system_failure"``, ``"nyc_taxi"``,
        ``"rogue_agent_key_hold"`` or ``"rogue_agent_key_updown"``.

    data_home : str, path-like or None, default=None
        Folder for downloaded files; None means the environment variable
        ``SKSEQ_DATA``, or the user's cache folder where that is not set.

    download_if_missing : bool, default=True
        If False, raise an OSError instead of downloading.

    return_X_y : bool, default=False
        Whether to return ``(data, target)`` instead of a Bunch.

    n_retries : int, default=3
        Number of times that a failed download is tried again.

    Returns
    -------
    series : :class:`~sklearn.utils.Bunch`
        With ``data``, a DataFrame of columns ``timestamp`` and ``value``; ``target``,
        a Series that is 1 for the rows inside a labelled window (both ends
        included), else 0; ``frame``, both; ``windows``, a DataFrame with the
        ``start`` and ``end`` of each window; ``feature_names`` and ``DESCR``.

    (data, target) : tuple if ``return_X_y`` is True

    Raises
    ------
    OSError
        If a file cannot be downloaded, or is not the registered one.

    References
    ----------
    .. [1] A. Lavin and S. Ahmad, "Evaluating Real-Time Anomaly Detection Algorithms:
       the Numenta Anomaly Benchmark", ICMLA, 2015.

    Examples
    --------
    >>> from skseq.datasets import fetch_nab
    >>> X, y = fetch_nab("nyc_taxi", return_X_y=True)  # doctest: +SKIP
    """
    archive = _archive("nab", data_home, n_retries)
    names = [Path(f).stem for f in archive.registry if f.startswith(_NAB_FOLDER)]
    if name not in names:
        raise ValueError(
            f"The 'name' parameter of fetch_nab must be a str among {names}. "
            f"Got {name!r} instead."
        )
    table, labels = (
        _fetch_file(archive, file, download_if_missing)
        for file in (f"{_NAB_FOLDER}/{name}.csv", "labels/combined_windows.json")
    )
    frame = pd.read_csv(table, parse_dates=["timestamp"])
    folder = Path(_NAB_FOLDER).name
    bounds = json.loads(Path(labels).read_text("utf-8"))[f"{folder}/{name}.csv"]
    windows = pd.DataFrame(bounds, columns=["start", "end"]).apply(pd.to_datetime)
    frame["anomaly"] = 0
    for start, end in windows.itertuples(index=False):
        frame.loc[frame["timestamp"].between(start, end), "anomaly"] = 1
    return _as_result(
        frame,
        "anomaly",
        return_X_y,
        windows=windows,
        DESCR=f"Numenta Anomaly Benchmark, {folder}/{name} (MIT licence).",
    )


def _read_tep(archive, run, subset, download_if_missing):
    """One run as a frame: its number, the 52 variables, and the fault flag."""
    name = f"d{run:02d}.dat" if subset == "train" else f"d{run:02d}_te.dat"
    values = np.loadtxt(_fetch_file(archive, name, download_if_missing))
    if name == "d00.dat":  # stored transposed
        values = values.T
    frame = pd.DataFrame(values, columns=_TEP_FEATURES)
    frame.insert(0, "run", run)
    frame["fault"] = ((run > 0) & (frame.index >= _TEP_FAULT_START)).astype(int)
    return frame


@validate_params(
    {
        "subset": [StrOptions({"train", "test"})],
        "faults": ["array-like", Iterable, None],
        **_COMMON_CONSTRAINTS,
    },
    prefer_skip_nested_validation=True,
)
def fetch_tep(
    *,
    subset="train",
    faults=None,
    data_home=None,
    download_if_missing=True,
    return_X_y=False,
    n_retries=3,
):
    """Load runs of the Tennessee Eastman process simulation, normal and with faults.

    52 variables of a chemical plant [1]_, one row every 3 minutes, in the text form
    that [2]_ made a standard test of fault detection. Downloads the files from a
    public repository, at a fixed commit, on first use.

    Parameters
    ----------
    subset : {"train", "test"}, default="train"
        ``"train"`` is one normal run of 500 rows. ``"test"`` is a normal run and one
        run for each of ``faults``, of 960 rows each; a fault starts at row 160.

    faults : iterable of int or None, default=None
        Which of the faults 1 to 21 to load; None means all. Only read with
        ``subset="test"``.

    data_home : str, path-like or None, default=None
        Folder for downloaded files; None means the environment variable
        ``SKSEQ_DATA``, or the user's cache folder where that is not set.

    download_if_missing : bool, default=True
        If False, raise an OSError instead of downloading.

    return_X_y : bool, default=False
        Whether to return ``(data, target)`` instead of a Bunch.

    n_retries : int, default=3
        Number of times that a failed download is tried again.

    Returns
    -------
    runs : :class:`~sklearn.utils.Bunch`
        With ``data``, a DataFrame of a column ``run`` (0: normal, else the number of
        the fault; an id for ``SlidingWindow(group_by="run")``, not a feature) and 52
        variables, ``xmeas_1`` to ``xmeas_41`` (measured) and ``xmv_1`` to ``xmv_11``
        (manipulated); ``target``, a Series that is 1 from the start of the fault,
        else 0; ``frame``, both; ``feature_names`` and ``DESCR``.

    (data, target) : tuple if ``return_X_y`` is True

    Raises
    ------
    OSError
        If a file cannot be downloaded, or is not the registered one.

    References
    ----------
    .. [1] J. J. Downs and E. F. Vogel, "A plant-wide industrial process control
       problem", Computers & Chemical Engineering 17(3), 1993.
    .. [2] L. H. Chiang, E. L. Russell and R. D. Braatz, "Fault Detection and Diagnosis
       in Industrial Systems", Springer, 2001.

    Examples
    --------
    >>> from skseq.datasets import fetch_tep
    >>> X, y = fetch_tep(
    ...     subset="test", faults=[1, 5], return_X_y=True
    ... )  # doctest: +SKIP
    """
    faults = list(range(1, 22)) if faults is None else list(faults)
    if unknown := [fault for fault in faults if fault not in range(1, 22)]:
        raise ValueError(
            "The 'faults' parameter of fetch_tep must hold ints in the range [1, 21]. "
            f"Got {unknown[0]!r} instead."
        )
    archive = _archive("tep", data_home, n_retries)
    runs = [0] if subset == "train" else [0, *map(int, faults)]
    tables = [_read_tep(archive, run, subset, download_if_missing) for run in runs]
    return _as_result(
        pd.concat(tables, ignore_index=True),
        "fault",
        return_X_y,
        DESCR="Tennessee Eastman process simulation, 3-minute rows "
        "(University of Illinois permissive licence).",
    )
