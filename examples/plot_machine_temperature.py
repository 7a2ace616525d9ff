# SPDX-License-Identifier: BSD-3-Clause
"""
A sensor that says it all: machine temperature (NAB)
====================================================

A table of the Numenta Anomaly Benchmark: the temperature of an industrial machine,
every five minutes for eleven weeks, with four labelled stretches around its failures.
It shows what to try before any network: the value itself.

The table is downloaded on first use, by :func:`~skseq.datasets.fetch_nab`.
"""

# %%
# The table
# ---------
# Its rows are not all in time order, which :class:`~skseq.SlidingWindow` refuses: an
# hour stands twice in it. They are sorted first, with their labels.

import matplotlib.pyplot as plt
from sklearn.ensemble import IsolationForest
from sklearn.metrics import average_precision_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skseq import EachTimeStep, PCAAutoencoder, SlidingWindow, WindowSummary
from skseq.datasets import fetch_nab

frame = fetch_nab().frame.sort_values("timestamp", kind="stable", ignore_index=True)
X, y = frame[["timestamp", "value"]], frame["anomaly"]
n_past = int(0.3 * len(X))
later = slice(n_past, None)
print(f"{len(X):,} rows; {y[later].mean():.1%} of the later ones are labelled")

# %%
# Three scores
# ------------
# What is learnt of the first 30% of the rows, for the rest: windows of three hours, by
# the components that reconstruct them, and by a forest on their statistics. Beside them
# stands the temperature, turned round: the machine runs cold before it stops.


def detector(*steps):
    windows = SlidingWindow(36, time="timestamp"), EachTimeStep(StandardScaler())
    return make_pipeline(*windows, *steps).fit(X[:n_past])


components = detector(PCAAutoencoder(error="mahalanobis"))
forest = detector(WindowSummary(), IsolationForest(random_state=0))
scores = {
    "components": -components.score_samples(X[later]),
    "forest": -forest.score_samples(X[later]),
    "minus the value": -X["value"][later],
}
for name, score in scores.items():
    print(f"{name}: average precision {average_precision_score(y[later], score):.2f}")

# %%
# The value wins by far. A model of windows finds what is new in shape or in relation;
# with one sensor there is no relation, and here the failure is a level. Keep such a
# baseline in every table of models, as :func:`~skseq.report` does.

figure, axes = plt.subplots(2, sharex=True, figsize=(9, 4), layout="constrained")
time = X["timestamp"][later]
axes[0].plot(time, X["value"][later], color="#1f3b57", linewidth=0.6)
axes[0].set_ylabel("temperature")
axes[1].plot(time, scores["forest"], color="#1f3b57", linewidth=0.6)
axes[1].set_ylabel("score of the forest")
for ax in axes:
    ax.fill_between(
        time, 0, 1, where=y[later] == 1, color="#c0392b", alpha=0.2,
        transform=ax.get_xaxis_transform(),
    )  # fmt: skip
plt.show()
