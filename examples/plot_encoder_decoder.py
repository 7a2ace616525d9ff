# SPDX-License-Identifier: BSD-3-Clause
"""
Encoder and decoder as separate Keras models
============================================

An LSTM autoencoder is often asked for as two networks: one from a sequence to a vector,
one from a vector to a sequence, joined for the training [1]_. Here is how to get them,
on the data of the question: 1,200 sequences of 10 steps of 5 features.

.. [1] "LSTM Autoencoder", question 44647258 of Stack Overflow, 2017.
"""

# %%
# Moving ones of unequal length
# -----------------------------
# In each step one feature is 1, and it moves on by one from step to step. The sequences
# differ in length: what follows their end is NaN, which is padding to all of skseq. It
# counts neither in the loss nor in the latent vector.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.model_selection import train_test_split

from skseq import LSTMAutoencoder, pad_sequences, unpad_sequences
from skseq.datasets import make_moving_ones
from skseq.plotting import LatentSpaceDisplay, LossCurveDisplay

X = make_moving_ones(1200, 10, 5, random_state=0)
train, test = train_test_split(X, test_size=200, random_state=0)
sequences = unpad_sequences(test)
print("padded", X.shape, "lengths", sorted({len(sequence) for sequence in sequences}))
print("pads and unpads to the same:", end=" ")
again = pad_sequences(sequences, n_timesteps=10, padding="post")
print(np.array_equal(again, test, equal_nan=True))

# %%
# One network, trained as a whole
# -------------------------------
# Cells of zeros and ones are probabilities to a network with
# ``loss="binary_crossentropy"``: its output is logistic. The loss stays for some epochs
# where it would be if the decoder knew nothing, on a plateau that early stopping would
# take for the end.

ae = LSTMAutoencoder(
    (32, 16),
    loss="binary_crossentropy",
    learning_rate=0.01,
    max_epochs=30,
    early_stopping=False,
    random_state=0,
).fit(train)


def right_share(estimator):
    """Share of the steps of the test part with the one in its place."""
    steps = ~np.isnan(test).any(axis=2)
    copy = estimator.reconstruct(test)
    return np.mean(test[steps].argmax(axis=1) == copy[steps].argmax(axis=1))


print(f"steps with the one in its place: {right_share(ae):.1%}")

# %%
# Two models
# ----------
# ``encoder_`` and ``decoder_`` are ordinary Keras models, with the trained weights.

for model in ae.encoder_, ae.decoder_:
    print(f"{model.name}: {model.input_shape} -> {model.output_shape}")

# %%
# They do what ``transform`` and ``inverse_transform`` do, and one after the other what
# ``model_`` does. They know nothing of padding, so we give them whole sequences only;
# for padded ones take ``transform``.

whole = test[~np.isnan(test).any(axis=(1, 2))].astype("float32")
latent = ae.encoder_(whole).numpy()
decoded = ae.decoder_(latent).numpy()
print("encoder_ gives what transform does:", end=" ")
print(np.allclose(latent, ae.transform(whole), atol=1e-4))
print("decoder_ gives what inverse_transform does:", end=" ")
print(np.allclose(decoded, ae.inverse_transform(latent), atol=1e-4))
print("decoder_ after encoder_ is model_:", end=" ")
print(np.allclose(decoded, ae.model_(whole), atol=1e-4))

# %%
# A sequence of seven steps with its padding, what comes back, and what the decoder
# makes of its latent vector when it is not told where the sequence ends: it lets the
# one move on. Where the sequence ends is no part of the loss, so the latent vector
# need not hold it.

seven = next(i for i, sequence in enumerate(sequences) if len(sequence) == 7)
free = ae.inverse_transform(ae.transform(test[[seven]]))[0]
fig, axes = plt.subplots(1, 3, figsize=(8, 3.6), sharey=True, layout="constrained")
pictures = {
    "sequence": test[seven],
    "reconstruction": ae.reconstruct(test)[seven],
    "decoder": free,
}
for ax, (title, picture) in zip(axes, pictures.items(), strict=True):
    image = ax.imshow(picture, vmin=0, vmax=1, cmap="Blues")
    ax.set(title=title, xlabel="feature", xticks=range(5), facecolor="0.85")
axes[0].set(ylabel="time step", yticks=range(10))
fig.colorbar(image, ax=axes, label="probability", shrink=0.9)

# %%
# What the latent vector holds
# ----------------------------
# The latent vectors of the test part on their two main components, by the position of
# the one in the first step: the position is all that the decoder needs to know.

first = [int(sequence[0].argmax()) for sequence in sequences]
LatentSpaceDisplay.from_estimator(ae, test, first)

# %%
# Another way from the vector to the sequence
# -------------------------------------------
# Instead of repeating the latent vector, one may cut it into steps: 20 values are 10
# steps of 2. Then each value is seen at one step only. In skseq that is a parameter;
# such a network is trained by Keras. Its loss has the same plateau:

cut = LSTMAutoencoder(
    20,
    decoder="reshape",
    loss="binary_crossentropy",
    learning_rate=0.03,
    batch_size=50,
    max_epochs=10,
    early_stopping=False,
    random_state=0,
).fit(train)
for layer in cut.decoder_.layers:
    print(f"{layer.name:14} {layer.output.shape}")
print(f"steps with the one in its place: {right_share(cut):.1%}")
LossCurveDisplay.from_estimator(cut)

plt.show()
