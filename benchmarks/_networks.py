# SPDX-License-Identifier: BSD-3-Clause
"""The same LSTM autoencoder as others write it: in Keras, with SciKeras, in PyTorch.

And one of scikit-learn alone, which knows nothing of time.

All have the defaults of ``LSTMAutoencoder`` (tanh cells; the articles' relu would keep
Keras off cuDNN, and PyTorch has none), and mean squared error under Adam.
"""

import warnings

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPRegressor


def keras_autoencoder(n_timesteps, n_features, sizes, *, flat=False):
    """The script of the articles, with any number of layers.

    ``flat`` ends it with a reshape to (n_timesteps * n_features,).
    """
    import keras
    from keras import layers

    model = keras.Sequential([keras.Input((n_timesteps, n_features))])
    for k, units in enumerate(sizes, 1):
        name = "latent" if k == len(sizes) else None
        model.add(layers.LSTM(units, return_sequences=k < len(sizes), name=name))
    model.add(layers.RepeatVector(n_timesteps))
    for units in sizes[::-1]:
        model.add(layers.LSTM(units, return_sequences=True))
    model.add(layers.TimeDistributed(layers.Dense(n_features)))
    if flat:
        model.add(layers.Reshape((n_timesteps * n_features,)))
    model.compile("adam", "mse")
    return model


def scikeras_autoencoder(sizes, **parameters):
    """The same as a ``KerasRegressor`` that also gives latent vectors.

    SciKeras takes no 3-D target, so the network's last layer flattens its output, and
    the target is the input, flattened.
    """
    from scikeras.wrappers import KerasRegressor

    class ScikerasAutoencoder(TransformerMixin, KerasRegressor):
        def _keras_build_fn(self, sizes, meta):
            return keras_autoencoder(*meta["X_shape_"][1:], sizes, flat=True)

        def fit(self, X, y=None):
            return super().fit(X, X.reshape(len(X), -1))

        def partial_fit(self, X, y=None):
            return super().partial_fit(X, X.reshape(len(X), -1))

        def transform(self, X):
            import keras

            latent = self.model_.get_layer("latent").output
            encoder = keras.Model(self.model_.inputs, latent)
            return encoder.predict(X, batch_size=256, verbose=0)

    return ScikerasAutoencoder(sizes=sizes, verbose=0, **parameters)


def torch_autoencoder(n_features, sizes):
    """``torch.nn.LSTM`` layers in the same order."""
    from torch import nn

    def lstm_layers(inputs, units):
        pairs = zip(inputs, units, strict=True)
        return nn.ModuleList(nn.LSTM(*pair, batch_first=True) for pair in pairs)

    class TorchAutoencoder(nn.Module):
        def __init__(self):
            super().__init__()
            mirrored = sizes[::-1]
            self.encoder = lstm_layers((n_features, *sizes[:-1]), sizes)
            self.decoder = lstm_layers((sizes[-1], *mirrored[:-1]), mirrored)
            self.dense = nn.Linear(sizes[0], n_features)

        def forward(self, x):
            n_timesteps = x.shape[1]
            for layer in self.encoder:
                x, _ = layer(x)
            x = x[:, -1:].expand(-1, n_timesteps, -1)
            for layer in self.decoder:
                x, _ = layer(x)
            return self.dense(x)

    return TorchAutoencoder()


class MLPAutoencoder(TransformerMixin, BaseEstimator):
    """Flattened windows through the layers of an MLPRegressor, to the narrowest."""

    def __init__(self, sizes=(32, 16), batch_size=64, epochs=10):
        self.sizes, self.batch_size, self.epochs = sizes, batch_size, epochs

    def fit(self, X, y=None):
        flat = X.reshape(len(X), -1)
        self.network_ = MLPRegressor(
            hidden_layer_sizes=[*self.sizes, *self.sizes[-2::-1]],
            activation="tanh",
            batch_size=self.batch_size,
            max_iter=self.epochs,
            n_iter_no_change=self.epochs,
            random_state=0,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # so many epochs
            self.network_.fit(flat, flat)
        return self

    def transform(self, X):
        latent, network = X.reshape(len(X), -1), self.network_
        layers = zip(network.coefs_, network.intercepts_, strict=True)
        for _, (weights, bias) in zip(self.sizes, layers, strict=False):
            latent = np.tanh(latent @ weights + bias)
        return latent


def n_multiply_adds(n_timesteps, n_features, sizes):
    """Multiplications with an addition in the forward pass of one sequence.

    The decoder's first layer has the same input at each step, and need project it only
    once. Training takes three times as many: forward, and backward to the activations
    and to the weights.
    """
    units = np.array([*sizes, *sizes[::-1]])
    inputs = np.array([n_features, *units[:-1]])
    inputs[len(sizes)] = 0
    lstm = np.sum(4 * units * (inputs + units))
    return int(n_timesteps * (lstm + sizes[0] * n_features) + 4 * sizes[-1] ** 2)


def windows(X, size):
    """A window for each row; what would lie before the first row is zeros."""
    padded = np.pad(X.astype(np.float32), ((size - 1, 0), (0, 0)))
    view = np.lib.stride_tricks.sliding_window_view(padded, size, axis=0)
    return np.ascontiguousarray(view.transpose(0, 2, 1))
