# SPDX-License-Identifier: BSD-3-Clause
"""How far a reconstruction is off: errors, scores, offsets."""
