# SPDX-License-Identifier: BSD-3-Clause
"""What runs a network."""
