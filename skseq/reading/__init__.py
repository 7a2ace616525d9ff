# SPDX-License-Identifier: BSD-3-Clause
"""Tables from files, whatever their dialect."""

from ._read_table import read_table

__all__ = ["read_table"]
