# SPDX-License-Identifier: BSD-3-Clause
import json
import shutil
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import numpy as np
import pandas as pd
import pytest

from skseq.datasets import _fetch, fetch_nab, fetch_tep


class _Server(ThreadingHTTPServer):
    """Serves a folder on the loopback address, and remembers what was asked for."""

    def __init__(self, folder):
        self.requests = []
        super().__init__(("127.0.0.1", 0), partial(_Handler, directory=folder))

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/"


class _Handler(SimpleHTTPRequestHandler):
    def do_GET(self):
        self.server.requests.append(self.path)
        super().do_GET()

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def repositories(shared_data, tmp_path_factory):
    """The files at hand, laid out as in their repositories."""
    root = tmp_path_factory.mktemp("repositories")
    shutil.copytree(shared_data / "nab", root / "data" / "realKnownCause")
    shutil.copytree(
        shared_data / "tep", root, dirs_exist_ok=True, copy_function=shutil.copy
    )
    (root / "labels").mkdir()
    shutil.copy(shared_data / "nab" / "combined_windows.json", root / "labels")
    return root


@pytest.fixture
def server(repositories, monkeypatch):
    with _Server(repositories) as server:
        Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
        for source in ("nab", "tep"):
            monkeypatch.setitem(_fetch._BASE_URLS, source, server.url)
        yield server
        server.shutdown()


@pytest.fixture
def nowhere(monkeypatch):
    """Addresses at which nothing listens."""
    with _Server(".") as closed:
        url = closed.url
    for source in ("nab", "tep"):
        monkeypatch.setitem(_fetch._BASE_URLS, source, url)
    return url


def _files(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    "name",
    [
        "ambient_temperature_system_failure",
        "ec2_request_latency_system_failure",
        "machine_temperature_system_failure",
        "nyc_taxi",
    ],
)
def test_nab_labels_the_rows_inside_the_windows(shared_data, server, tmp_path, name):
    nab = fetch_nab(name, data_home=tmp_path)
    raw = pd.read_csv(shared_data / "nab" / f"{name}.csv")
    np.testing.assert_array_equal(nab.data["value"], raw["value"])
    windows = json.loads((shared_data / "nab" / "combined_windows.json").read_text())
    bounds = windows[f"realKnownCause/{name}.csv"]
    # Times of one format compare as text.
    inside = [
        any(start[:19] <= time <= end[:19] for start, end in bounds)
        for time in raw["timestamp"]
    ]
    np.testing.assert_array_equal(nab.target, inside)
    assert 0 < nab.target.mean() < 0.2
    assert len(nab.windows) == len(bounds)


def test_nab_returns_X_and_y(server, tmp_path):
    X, y = fetch_nab("nyc_taxi", data_home=tmp_path, return_X_y=True)
    assert X.columns.to_list() == ["timestamp", "value"]
    assert X["timestamp"].dtype.kind == "M"
    assert y.name == "anomaly"


def test_nab_rejects_an_unknown_name():
    with pytest.raises(ValueError, match="must be a str among .*nyc_taxi.* Got 'nyc'"):
        fetch_nab("nyc")


def test_tep_test_runs_equal_the_binary_copy(shared_data, server, tmp_path):
    oracle = np.load(shared_data / "tep_braatz.npz", allow_pickle=False)
    tep = fetch_tep(subset="test", faults=[1, 5], data_home=tmp_path)
    assert tep.data.shape == (3 * 960, 53)
    for run in (0, 1, 5):
        rows = tep.data["run"] == run
        values = tep.data[rows].drop(columns="run").to_numpy(np.float32)
        np.testing.assert_array_equal(values, oracle["X_test"][run])
        np.testing.assert_array_equal(tep.target[rows], oracle["y_test"][run])


def test_tep_train_run_equals_the_binary_copy(shared_data, server, tmp_path):
    oracle = np.load(shared_data / "tep_braatz.npz", allow_pickle=False)
    X, y = fetch_tep(data_home=tmp_path, return_X_y=True)
    values = X.drop(columns="run").to_numpy(np.float32)
    np.testing.assert_array_equal(values, oracle["X_train_normal"])
    assert not y.any()


def test_tep_file_that_the_server_lacks_is_named(server, tmp_path):
    with pytest.raises(OSError, match=rf"Could not get d02_te.dat from {server.url}"):
        fetch_tep(subset="test", faults=[1, 2], data_home=tmp_path, n_retries=0)


@pytest.mark.parametrize("fault", [0, 22, "1", 1.5])
def test_tep_rejects_an_unknown_fault(fault):
    with pytest.raises(ValueError, match=rf"range \[1, 21\]. Got {fault!r}"):
        fetch_tep(faults=[fault])


def test_files_are_downloaded_once(server, tmp_path):
    fetch_nab("nyc_taxi", data_home=tmp_path)
    fetch_nab("nyc_taxi", data_home=tmp_path, download_if_missing=False)
    assert sorted(server.requests) == [
        "/data/realKnownCause/nyc_taxi.csv",
        "/labels/combined_windows.json",
    ]


def test_cache_folder_comes_from_the_environment(server, tmp_path, monkeypatch):
    monkeypatch.setenv("SKSEQ_DATA", str(tmp_path / "cache"))
    fetch_tep()
    assert (tmp_path / "cache" / "tep" / "d00.dat").is_file()


def test_data_home_goes_before_the_environment(server, tmp_path, monkeypatch):
    monkeypatch.setenv("SKSEQ_DATA", str(tmp_path / "cache"))
    fetch_tep(data_home=tmp_path / "home")
    assert not (tmp_path / "cache").exists()


def test_without_network_the_error_says_what_to_do(nowhere, tmp_path):
    path = tmp_path / "tep" / "d00.dat"
    with pytest.raises(OSError, match=f"Could not get d00.dat from {nowhere}") as error:
        fetch_tep(data_home=tmp_path, n_retries=0)
    assert f"save it as {path}" in str(error.value)
    assert not _files(tmp_path)


def test_a_file_saved_by_hand_is_used_without_network(shared_data, nowhere, tmp_path):
    (tmp_path / "tep").mkdir()
    shutil.copy(shared_data / "tep" / "d00.dat", tmp_path / "tep")
    assert len(fetch_tep(data_home=tmp_path).data) == 500


def test_download_can_be_forbidden(server, tmp_path):
    with pytest.raises(OSError, match="d00.dat is not in .* download_if_missing"):
        fetch_tep(data_home=tmp_path, download_if_missing=False)
    assert not server.requests


def test_a_wrong_file_is_refused_and_not_kept(tmp_path, server, monkeypatch):
    (tmp_path / "served").mkdir()
    (tmp_path / "served" / "d00.dat").write_text("1 2 3")
    with _Server(tmp_path / "served") as liar:
        Thread(target=liar.serve_forever, args=[0.01], daemon=True).start()
        monkeypatch.setitem(_fetch._BASE_URLS, "tep", liar.url)
        with pytest.raises(OSError, match="does not match the known hash"):
            fetch_tep(data_home=tmp_path / "home", n_retries=0)
        liar.shutdown()
    assert not _files(tmp_path / "home")


def test_a_damaged_file_in_the_cache_is_replaced(server, tmp_path):
    (tmp_path / "tep").mkdir()
    (tmp_path / "tep" / "d00.dat").write_text("1 2 3")
    with pytest.raises(OSError, match="updates are disallowed"):
        fetch_tep(data_home=tmp_path, download_if_missing=False)
    assert len(fetch_tep(data_home=tmp_path).data) == 500


def test_downloads_are_silent_and_leave_the_log_level(server, tmp_path, capfd):
    import pooch

    level = pooch.get_logger().level
    fetch_tep(data_home=tmp_path)
    assert capfd.readouterr() == ("", "")
    assert pooch.get_logger().level == level
