# SPDX-License-Identifier: BSD-3-Clause
"""``python -m skseq``."""

from .cli import main

if __name__ == "__main__":
    main()
