# SPDX-License-Identifier: BSD-3-Clause
"""
Engines that wear until they fail
=================================

Fifty units of one make run until they fail. The wear moves all sensors along the
direction in which they move anyway, with the load: no relation between them breaks, and
a detector that reconstructs normal rows reconstructs worn ones as well. Units that have
failed teach where they stand then. A committee of detectors and classifiers learns from
them whom to believe.
"""

# %%
# Units of the past, and later ones
# ---------------------------------
# Of 35 units the whole life is known. An event are the last ten cycles of each. The
# other 15 are scored: what a window of ten cycles tells of its last one.

import warnings

import matplotlib.pyplot as plt
import pandas as pd
from sklearn.ensemble import IsolationForest
from sklearn.metrics import average_precision_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skseq import EachTimeStep, RareEventClassifier, ResidualAutoencoder, SlidingWindow
from skseq.datasets import make_run_to_failure

X, y = make_run_to_failure(50, random_state=0)
sensors = X.drop(columns="cycle")
past = X["unit"] < 35
print(f"{past.sum()} rows of 35 units; {y[past].mean():.1%} are events")


def model(detector, **parameters):
    """A pipeline that ends in a classifier of rare events, fitted to the past."""
    classifier = RareEventClassifier(detector, random_state=0).set_params(**parameters)
    steps = SlidingWindow(10, group_by="unit"), EachTimeStep(StandardScaler())
    return make_pipeline(*steps, classifier).fit(sensors[past], y[past])


# %%
# One detector
# ------------
# The labels set its threshold. What is unusual, it decides by itself.

small = {"hidden_layer_sizes": (16, 8), "max_epochs": 5}
network = {f"detector__network__{name}": value for name, value in small.items()}
with warnings.catch_warnings():
    # It is told that the events do not stand out.
    warnings.simplefilter("ignore", UserWarning)
    models = {
        "residual autoencoder": model(ResidualAutoencoder(), **network),
        "isolation forest": model(IsolationForest()),
    }

# %%
# The committee
# -------------
# By default it has the detectors of :class:`~skseq.DetectorCommittee`, which see normal
# windows, and a logistic regression, which sees a summary of all. Every series ends in
# its event, so whole units are held out: their events are what the weights are learnt
# from.

members = {f"residual__network__{name}": value for name, value in small.items()}
members |= {f"lstm__{name}": value for name, value in small.items()}
models["committee"] = model(None, **members)
committee = models["committee"][-1]
facts = committee.validation_["held_out"]
print(f"held out: {facts['n_series']} units with {facts['n_events']} events")
print(committee.weights_.round(2).to_string())

for name, fitted in models.items():
    score = fitted.decision_function(sensors[~past])
    print(f"{name}: average precision {average_precision_score(y[~past], score):.2f}")

# %%
# Who finds the events: the weights, and what each member says before the failures of
# units that none of them has seen. A score of 1 is what one of a hundred normal windows
# reaches.

windows = models["committee"][:-1].transform(sensors[~past])
scores = committee.member_scores(windows)
life = X[~past].groupby("unit")["cycle"].transform("max") - X.loc[~past, "cycle"]
course = scores.groupby(life.to_numpy()).median()[:100]

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
left.barh(committee.weights_.index, committee.weights_)
left.invert_yaxis()
left.set(title="Weights of the members", xlabel="weight")
for name in scores:
    right.plot(-course.index, course[name], label=name)
right.axvline(-10, color="grey", linestyle=":")
right.set(title="Median score of 15 units", xlabel="cycles to the failure")
right.set_ylim(bottom=-1)
right.legend()
plt.show()

# %%
# A warning in time
# -----------------
# The first window that is flagged, in cycles before the failure, unit by unit.

flagged = pd.Series(models["committee"].predict(sensors[~past]) == 1, life.index)
first = life[flagged].groupby(X.loc[~past, "unit"]).max()
print(f"units that were warned of: {len(first)} of 15")
print(f"median warning: {first.median():.0f} cycles before the failure")
print(
    f"false alarms: {flagged[life >= 30].mean():.2%} of the cycles before the last 30"
)
