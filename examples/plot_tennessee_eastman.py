# SPDX-License-Identifier: BSD-3-Clause
"""
Relations that break: Tennessee Eastman
=======================================

A chemical plant with 52 variables, simulated every three minutes. In a fault the
controllers keep each reading near where it should be, and what gives the fault away are
the relations between them. The linear baseline finds such faults; a forest, that looks
at one variable at a time, does not.

The runs are downloaded on first use, by :func:`~skseq.datasets.fetch_tep`.
"""

# %%
# Normal rows to learn from, and two faults
# -----------------------------------------
# The normal run of 500 rows is all that is trained on. Fault 1 is a step in the
# composition of a feed, fault 5 one in the inlet temperature of the cooling water,
# which a controller makes good after some hours. Each starts at row 160 of its run.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.ensemble import IsolationForest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skseq import EachTimeStep, PCAAutoencoder, SlidingWindow, WindowSummary
from skseq.datasets import fetch_tep

normal = fetch_tep().data
later = fetch_tep(subset="test", faults=[1, 5])
X, fault = later.data, later.target == 1
print(f"{len(normal)} normal rows, and {len(X):,} to score")

# %%
# Two detectors
# -------------
# The runs are series: no window reaches from one into the next. A threshold that 1% of
# the rows of another normal run exceed tells how many of the faulty rows are found.


def detector(*steps):
    windows = SlidingWindow(5, group_by="run"), EachTimeStep(StandardScaler())
    return make_pipeline(*windows, *steps).fit(normal)


scores = {
    "components": detector(PCAAutoencoder(error="mahalanobis", score_on="recent")),
    "forest": detector(WindowSummary(), IsolationForest(random_state=0)),
}
scores = {name: -model.score_samples(X) for name, model in scores.items()}
thresholds = {
    name: np.quantile(score[X["run"] == 0], 0.99) for name, score in scores.items()
}
for name, score in scores.items():
    for run in (1, 5):
        rows = (X["run"] == run) & fault
        found = np.mean(score[rows] > thresholds[name])
        print(f"{name}, fault {run}: {found:.1%} of the faulty rows found")

# %%
# Fault 5 is the telling one. The forest finds its beginning, and loses it when the
# controller has brought the temperatures back; the relation between valve and
# temperature stays another, and the components see it to the end.

figure, axes = plt.subplots(2, sharex=True, figsize=(9, 4), layout="constrained")
for ax, (name, score) in zip(axes, scores.items(), strict=True):
    ratio = score[X["run"] == 5] / thresholds[name]
    ax.plot(ratio, color="#1f3b57", linewidth=0.8)
    ax.axhline(1, color="#c0392b", linewidth=0.8)
    ax.axvline(160, color="#999999", linestyle=":")
    ax.set(ylabel=f"{name},\nscore / threshold", yscale="log")
axes[-1].set_xlabel("row of the run with fault 5")
plt.show()
