# SPDX-License-Identifier: BSD-3-Clause
"""Where there is no room for a file, the old one stays, and the error names it."""

import contextlib

import numpy as np
import pytest

from skseq import LSTMAutoencoder, PCAAutoencoder, SlidingWindow, report, save
from skseq.networks import Architecture
from skseq.training._checkpoint import Checkpoint
from skseq.windowing import table_to_memmap

resource = pytest.importorskip("resource", reason="no limits on Windows")

X = np.random.default_rng(0).normal(size=(60, 5, 2)).astype(np.float32)


@pytest.fixture
def small_disk(mount_disk):
    return mount_disk("32m")


@contextlib.contextmanager
def filled(folder):
    """No room on a disk."""
    filler = folder / "filler"
    with contextlib.suppress(OSError), open(filler, "wb", buffering=0) as file:
        while file.write(bytes(2**20)):
            pass
    yield
    filler.unlink()


@contextlib.contextmanager
def limited(folder):
    """No file may hold more than 100 bytes."""
    _, hard = before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture(params=["a disk", "a limit"])
def place(request, tmp_path):
    """A folder, and what makes that nothing more can be written in it."""
    if request.param == "a limit":
        return tmp_path, limited
    return request.getfixturevalue("small_disk"), filled


def write_saved(path, version):
    save(SlidingWindow(version), path)


def write_checkpoint(path, version):
    if version == 1:
        LSTMAutoencoder(3, max_epochs=1, checkpoint=path, engine="native").fit(X)
    else:
        shapes = Architecture(*X.shape[1:], (3,)).weight_shapes
        state = Checkpoint(path, {}).read(shapes, 1, held_out=True)
        Checkpoint(path, {}).write(state)


def write_table(path, version):
    table_to_memmap([version * X[:, 0]] * 40, path)


def write_report(path, version):
    pytest.importorskip("matplotlib")
    y = np.arange(60) % 10 == 0
    with pytest.MonkeyPatch.context() as patch:  # pictures take most of the time
        for name in ("draw_pictures", "drift_picture"):
            patch.setattr(f"skseq._report._fields.{name}", lambda *given: [])
        model = PCAAutoencoder(2).fit(X)
        report(model, X, y, path, title=str(version), n_resamples=10)


@pytest.mark.parametrize(
    "write",
    [write_saved, write_checkpoint, write_table, write_report],
    ids=["save", "checkpoint", "table_to_memmap", "report"],
)
def test_a_full_disk_leaves_the_old_file_and_is_named(write, place):
    folder, full = place
    path = folder / "a.npy"
    write(path, 1)
    before = path.read_bytes()
    with full(folder), pytest.raises(OSError, match=r"\[Errno .*a\.npy'"):
        write(path, 2)
    assert path.read_bytes() == before
    assert [*folder.iterdir()] == [path]


def test_a_fit_that_ran_out_of_disk_goes_on_when_there_is_room(place):
    folder, full = place
    path = folder / "state"
    ae = LSTMAutoencoder(3, max_epochs=2, engine="native", random_state=0)
    expected = ae.fit(X).weights_
    ae.set_params(checkpoint=path)
    with full(folder), pytest.raises(OSError, match="state'"):
        ae.fit(X)
    assert not any(folder.iterdir())
    for one, other in zip(ae.fit(X).weights_, expected, strict=True):
        np.testing.assert_array_equal(one, other)
