# SPDX-License-Identifier: BSD-3-Clause
"""
Alarms of a thousand sensors
============================

Sensors report at irregular times, and 5% of the rows are in alarm. In an alarm the
cycle of a sensor runs backwards: each value is a usual one, only their order is not. We
train networks without labels, give their latent vectors to a classifier, and compare
with the same classifier on summary statistics.
"""

# %%
# Windows by duration
# -------------------
# Two minutes before each row, as many rows as fall in. Neighbouring windows have most
# of their rows in common, so we take every fifth. The sensors to test on are others
# than those to train on.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.metrics import PrecisionRecallDisplay, average_precision_score
from sklearn.model_selection import GroupShuffleSplit

from skseq import ContextEncoder, LSTMAutoencoder, SlidingWindow
from skseq.datasets import make_sensor_events

X, alarm = make_sensor_events(n_sensors=1000, alarm_rate=0.05, random_state=0)
split = GroupShuffleSplit(1, test_size=0.5, random_state=0)
train, test = next(split.split(X, alarm, groups=X["sensor_id"]))

slider = SlidingWindow(
    "2min",
    group_by="sensor_id",
    time="timestamp",
    max_gap="5min",
    max_steps=16,
    add_time_delta=True,
)
windows_train = slider.fit_transform(X.iloc[train])[::5]
windows_test = slider.transform(X.iloc[test])[::5]
y_train, y_test = alarm.iloc[train][::5], alarm.iloc[test][::5]
n_rows = windows_test.ends - windows_test.starts + 1
print("training windows", windows_train.shape, "test windows", windows_test.shape)
print("rows in a window: median", int(np.median(n_rows)), "most", n_rows.max())
print(f"alarms: {y_test.mean():.1%}")

# %%
# ``add_time_delta`` tells the network how long ago the row before was. It is one of the
# features to reconstruct, and a random one. As a multiple of ``max_gap`` it is small,
# and has little weight in the loss; as a multiple of the median interval, without
# ``max_gap``, it would rule it:

deltas = X.groupby("sensor_id")["timestamp"].diff().dt.total_seconds()
print(f"variance of a value: {X['value_0'].var():.3f}")
print(f"of the interval, in units of max_gap: {(deltas / 300).var():.4f}")
print(f"in units of the median: {(deltas / deltas.median()).var():.2f}")

# %%
# A sensor that falls into alarm: the values rise slowly and fall fast, then rise fast
# and fall slowly.

starts = alarm.groupby(X["sensor_id"]).transform(
    lambda flags: flags.to_numpy().argmax()
)
sensor = X["sensor_id"][(starts >= 25) & (starts <= 30)].iloc[0]
rows = X[X["sensor_id"] == sensor]
minutes = (rows["timestamp"] - rows["timestamp"].iloc[0]).dt.total_seconds() / 60
flagged = minutes[alarm[rows.index] == 1]

fig, ax = plt.subplots(figsize=(8, 3), layout="constrained")
ax.plot(minutes, rows["value_0"], ".-", label="value_0")
ax.plot(minutes, rows["value_1"], ".-", alpha=0.6, label="value_1")
ax.axvspan(flagged.min(), flagged.max(), color="C3", alpha=0.15, label="alarm")
ax.set(xlabel="minutes", ylabel="value")
fig.legend(*ax.get_legend_handles_labels(), loc="outside upper center", ncols=3)

# %%
# Features
# --------
# On one side the mean, the deviation and the extremes of each value, and the number of
# rows; then the same with the values of the last row, which say a little about the
# order. On the other side latent vectors.


def statistics(windows):
    values = np.asarray(windows)[:, :, :2]
    functions = np.nanmean, np.nanstd, np.nanmin, np.nanmax
    summaries = [function(values, axis=1) for function in functions]
    n_rows = windows.ends - windows.starts + 1
    return np.column_stack([*summaries, n_rows])


def with_last_row(windows):
    return np.column_stack([statistics(windows), np.asarray(windows)[:, -1, :2]])


def network(kind, windows=windows_train, **training):
    training |= {"early_stopping": False, "random_state": 0}
    return kind((32, 16), **training).fit(windows)


# %%
# :class:`~skseq.ContextEncoder` reconstructs the encoder's own output, and has no
# decoder of sequences; :class:`~skseq.LSTMAutoencoder` reconstructs the sequence, and
# all has to go through the latent vector. As a control, the latent vectors of both
# before training: after one epoch of next to no steps.

none = {"windows": windows_train[:640], "max_epochs": 1, "learning_rate": 1e-9}
networks = {
    "context": network(ContextEncoder, max_epochs=2),
    "context, untrained": network(ContextEncoder, **none),
    "autoencoder": network(
        LSTMAutoencoder, max_epochs=10, batch_size=16, learning_rate=0.01
    ),
    "autoencoder, untrained": network(LSTMAutoencoder, **none),
}
features = {"statistics": statistics, "statistics, last row": with_last_row}
features |= {name: model.transform for name, model in networks.items()}

# %%
# The same classifier on each
# ---------------------------

scores = {}
for name, extract in features.items():
    forest = ExtraTreesClassifier(40, min_samples_leaf=3, random_state=0)
    forest.fit(extract(windows_train), y_train)
    scores[name] = forest.predict_proba(extract(windows_test))[:, 1]
    precision = average_precision_score(y_test, scores[name])
    print(f"{name + ':':24} average precision {precision:.3f}")

# %%
# Without the order, the statistics are hardly better than chance. The latent vectors of
# the autoencoder are the best features of all. Those of the trained context network
# are better than statistics without order, but not than those with the last row, and
# worse than those of the same network before its training. Nothing in its loss asks
# that the context vector tell what was in the sequence: it is to be varied, and easy to
# reconstruct. Training makes it that, at the cost of what the random network still
# passed on. The autoencoder's loss asks for the sequence, and training helps. So for
# features, take the autoencoder; and compare with an untrained network before you
# believe that its training was of use.

fig, ax = plt.subplots(figsize=(8, 4.6), layout="constrained")
for name, score in scores.items():
    style = "--" if name.endswith("untrained") else "-"
    PrecisionRecallDisplay.from_predictions(
        y_test, score, name=name, ax=ax, curve_kwargs={"linestyle": style}
    )
ax.set(xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1.02))
ax.get_legend().remove()
fig.legend(*ax.get_legend_handles_labels(), loc="outside right center")

plt.show()
