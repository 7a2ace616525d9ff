# SPDX-License-Identifier: BSD-3-Clause
"""Fixtures shared by the tests."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_data():
    """Folder of the real tables that stand beside the repository, if they do."""
    folder = Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("needs the folder shared/data beside the repository")
    return folder
