# SPDX-License-Identifier: BSD-3-Clause
"""Pictures of scores and decisions."""
