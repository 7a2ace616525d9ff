# SPDX-License-Identifier: BSD-3-Clause
"""Figures that are written as PNG."""

import io

import numpy as np

from skseq.plotting._figures import figure_with_axes, png_of


def test_a_colour_that_few_pixels_have_is_kept():
    from PIL import Image

    figure, ax = figure_with_axes()
    shades = np.linspace(0, 0.7, 2000)[np.newaxis].repeat(2, axis=0)
    ax.imshow(shades, cmap="cividis", vmin=0, vmax=1, aspect="auto")
    ax.plot([900], [0.5], ",", color="#fde737")  # a pixel or two
    image = np.asarray(Image.open(io.BytesIO(png_of(figure))).convert("RGB")).astype(
        int
    )
    assert image.shape == (720, 1350, 3)
    assert np.abs(image - [0xFD, 0xE7, 0x37]).max(axis=2).min() < 32
