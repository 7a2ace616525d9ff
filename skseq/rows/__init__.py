# SPDX-License-Identifier: BSD-3-Clause
"""A table in time order: its series, its time, its events."""
