# SPDX-License-Identifier: BSD-3-Clause
"""
An LSTM autoencoder, layer by layer
===================================

What each layer receives and emits: ``return_sequences``, ``RepeatVector`` and
``TimeDistributed``, on the toy series and with the network of [1]_.

.. [1] C. Ranjan, "Step-by-step understanding LSTM Autoencoder layers", Towards Data
   Science, 2019.
"""

# %%
# From a series to windows
# ------------------------
# Nine rows of two features, 0.1 to 0.9 and their cubes. The article's function makes
# windows of three rows of them.

import matplotlib.pyplot as plt
import numpy as np

from skseq import LSTMAutoencoder, LSTMReconstructor, SlidingWindow, temporalize
from skseq.datasets import load_toy_series
from skseq.plotting import ArchitectureDisplay, ReconstructionDisplay

rows, labels = load_toy_series(return_X_y=True)
X, _ = temporalize(rows, labels, lookback=3)
print("rows", rows.shape, "-> windows", X.shape)
print(X[0].round(3))

# %%
# The first window starts at 0.3: the article's recipe drops the first two rows. The
# article's numbers need its windows. For your own data take ``SlidingWindow``, which
# gives one window for each row, the first ones padded:

windows = SlidingWindow(3).fit_transform(rows)
print("rows", rows.shape, "-> windows", windows.shape)
print(windows[0].round(3))

# %%
# The autoencoder
# ---------------
# Layers of 128 and 64 units, relu, overfitted on purpose: 300 epochs on five windows
# show that the network can reproduce a sequence.

settings = {
    "activation": "relu",
    "batch_size": 5,
    "max_epochs": 300,
    "early_stopping": False,
    "random_state": 0,
}
ae = LSTMAutoencoder((128, 64), **settings).fit(X)
print("mean squared error", f"{ae.reconstruction_error(X).mean():.6f}")
print("window\n", X[0].round(3), "\nreconstruction\n", ae.reconstruct(X)[0].round(3))

# %%
# From the input down, each box stands for what a layer computes at one time step, and
# holds the number of its values.
#
# - The first LSTM emits 128 values at each step (``return_sequences=True``), since the
#   next LSTM reads a sequence.
# - The second emits its final state only: the latent vector, 64 values for the window.
# - ``RepeatVector`` gives this vector to each of the three steps of the decoder.
# - The decoder mirrors the encoder, and emits each step.
# - ``TimeDistributed`` applies one dense layer to each step, 128 values to 2 features.

ArchitectureDisplay.from_estimator(ae)

# %%
# The same as a table. An LSTM of :math:`u` units with :math:`m` inputs has
# :math:`4 (m u + u^2 + u)` parameters; the dense layer one weight for each input and a
# bias, for each feature. They do not depend on the number of steps.


def describe(model):
    print(f"{'layer':12} {'emits':16} {'parameters':>10}")
    for layer in model.layers:
        shape = str(tuple(layer.output.shape)).replace("None", "n")
        print(f"{layer.name:12} {shape:16} {layer.count_params():10,}")
    print(f"{'in all':29} {model.count_params():10,}")


describe(ae.model_)

# %%
# Encoder and decoder are the halves of this model, with the same weights: what
# ``transform`` gives is what the encoder emits.

latent = ae.transform(X)
print("latent vectors", latent.shape)
same = np.allclose(latent, ae.encoder_.predict(X, verbose=0), atol=1e-5)
print("equal to the output of encoder_:", same)

# %%
# Beside a regular network
# ------------------------
# Without ``RepeatVector``, with every layer passing on every step, it is a regular LSTM
# network. It has as many parameters, and no latent vector: 64 values for each step go
# through its middle, where the autoencoder has 64 for the window.

regular = LSTMReconstructor((128, 64), **settings).fit(X)
describe(regular.model_)
print("mean squared error", f"{regular.reconstruction_error(X).mean():.6f}")
print("has transform:", hasattr(regular, "transform"))
ArchitectureDisplay.from_estimator(regular)

# %%
# A network that may pass each step straight on can copy it, whether it is usual or
# not. The latent vector is what makes an autoencoder choose what to keep, and so what
# its error and its features are worth. The first window and its reconstruction:

ReconstructionDisplay.from_estimator(ae, X, sample=0)

plt.show()
