# SPDX-License-Identifier: BSD-3-Clause
"""Twenty-two ways to write one table, and one way to read them."""

import re

import pytest
from numpy.testing import assert_allclose
from ugly_tables import UGLY, a_workbook, clean

from skseq import read_table


@pytest.fixture(params=UGLY, ids=lambda maker: maker.__name__)
def ugly(request, tmp_path):
    """A file, and what is told of it."""
    if request.param is a_workbook:
        pytest.importorskip("openpyxl")
    return request.param(tmp_path), UGLY[request.param]


def test_every_ugly_file_holds_the_same_table(ugly):
    path, _ = ugly
    frame, expected = read_table(path), clean()
    time = frame.attrs["read_table"]["time"]
    assert (frame[time].to_numpy() == expected["stamp"].to_numpy()).all()
    assert_allclose(frame.iloc[:, -2:], expected[["flow", "level"]], atol=1e-9)
    assert frame.index.equals(expected.index)


def test_what_was_assumed_is_told(ugly):
    path, words = ugly
    assert re.search(words, read_table(path).attrs["read_table"]["assumed"])


def test_a_file_is_read_again_by_the_arguments_that_were_found(ugly):
    path, _ = ugly
    frame = read_table(path)
    arguments = frame.attrs["read_table"]["arguments"]
    if " " not in arguments["time"]:
        again = read_table(path, **arguments)
        assert again.equals(frame)
        assert "separator" not in again.attrs["read_table"]["assumed"]
