# SPDX-License-Identifier: BSD-3-Clause
"""
The rare-event article, and a split in time order
=================================================

The article [1]_ warns of sheet breaks of a paper machine with an LSTM autoencoder. We
follow its protocol on a simulated process: labels two rows ahead, windows of 5 rows,
layers of 32 and 16 units, relu, and the reconstruction error of the last row. It splits
the windows at random. What if the split is in time order, as a warning is used?

.. [1] C. Ranjan, "LSTM Autoencoder for Extreme Rare Event Classification in Keras",
   Towards Data Science, 2019.
"""

# %%
# Labels ahead of the event
# -------------------------
# 18,000 rows, with events of one row each, as the breaks of the article are. The two
# rows before an event become positive, and the event itself is left out. That is done
# to the windows: rows left out before would join rows that are not neighbours.
# ``drift`` is how far the sensors wander in the course of the table, in standard
# deviations.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import (
    average_precision_score,
    confusion_matrix,
    precision_recall_curve,
    roc_auc_score,
)
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from skseq import EachTimeStep, LSTMAutoencoder, SlidingWindow, early_warning_labels
from skseq.datasets import make_process_faults
from skseq.plotting import ErrorDistributionDisplay


def labelled_windows(drift):
    X, event = make_process_faults(
        18_000,
        20,
        fault_rate=0.007,
        event_length=1,
        precursor_length=10,
        drift=drift,
        random_state=0,
    )
    y, keep = early_warning_labels(event, horizon=2)
    windows = SlidingWindow(5, time="timestamp", max_gap="5min").fit_transform(X)
    return windows[keep], y[keep]


windows, y = labelled_windows(drift=1)
print("windows", windows.shape, f"positive: {y.mean():.2%}")

# %%
# The protocol
# ------------
# One fifth of the windows to test on, one fifth of the others to set the threshold by.
# Scaler and network see the rest, without its positive windows. The network is the
# article's, and its error the squared one. The article trains for longer, in smaller
# steps.


def errors_of_parts(windows, y, shuffle):
    """Labels and errors of the part for the threshold, and of that to test on."""
    how = {"test_size": 0.2, "shuffle": shuffle, "random_state": 0 if shuffle else None}
    rows, test = train_test_split(np.arange(len(y)), **how)
    train, valid = train_test_split(rows, **how)
    normal = windows[train[y[train] == 0]]
    scaler = EachTimeStep(StandardScaler()).fit(normal)
    ae = LSTMAutoencoder(
        (32, 16),
        activation="relu",
        max_epochs=8,
        early_stopping=False,
        score_on="last",
        random_state=0,
    ).fit(scaler.transform(normal))
    return [
        (y[part], ae.reconstruction_error(scaler.transform(windows[part])))
        for part in (valid, test)
    ]


def best_threshold(y, error):
    """The threshold with the highest F1."""
    precision, recall, thresholds = precision_recall_curve(y, error)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    return thresholds[f1[:-1].argmax()]


names = {True: "random split", False: "split in time order"}
drifting = {shuffle: errors_of_parts(windows, y, shuffle) for shuffle in names}

fig, axes = plt.subplots(1, 2, figsize=(9, 3.8), sharex=True, layout="constrained")
for ax, (shuffle, name) in zip(axes, names.items(), strict=True):
    valid, test = drifting[shuffle]
    threshold = best_threshold(*valid)
    (_, false_alarms), (missed, found) = confusion_matrix(test[0], test[1] > threshold)
    print(
        f"{name}: average precision {average_precision_score(*test):.3f}, "
        f"ROC AUC {roc_auc_score(*test):.3f}, found {found} of {found + missed} "
        f"with {false_alarms} false alarms"
    )
    ErrorDistributionDisplay.from_predictions(*test, threshold=threshold, ax=ax)
    ax.set_xlabel(f"{ax.get_xlabel()}\n{name}")

# %%
# The threshold that suits the past gives many more false alarms in the future: the
# process has moved on, and everything looks a little unusual. A random split hides
# that, since among the windows to train on there are some from just before and just
# after each one to test on.
#
# What makes the difference
# -------------------------
# The more the process drifts, the more the random split flatters. Without drift, the
# two agree, up to the luck of few events.

results = {1: drifting}
for drift in 0, 2:
    data = labelled_windows(drift)
    results[drift] = {shuffle: errors_of_parts(*data, shuffle) for shuffle in names}

drifts = sorted(results)
fig, ax = plt.subplots(figsize=(6.4, 4), layout="constrained")
for (shuffle, name), marker in zip(names.items(), "os", strict=True):
    precision = [average_precision_score(*results[d][shuffle][1]) for d in drifts]
    print(f"{name}, drift {drifts}:", np.round(precision, 3).tolist())
    ax.plot(drifts, precision, marker + "-", label=name)
ax.axhline(y.mean(), color="0.5", linestyle=":", label="chance")
ax.set(xlabel="drift", ylabel="average precision", xticks=drifts, ylim=(0, None))
ax.legend()

plt.show()
