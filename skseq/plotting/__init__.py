# SPDX-License-Identifier: BSD-3-Clause
"""Pictures of training, reconstructions, scores and decisions.

Matplotlib is imported when the first of them is drawn.
"""

from ._architecture import ArchitectureDisplay
from ._error_distribution import ErrorDistributionDisplay
from ._feature_error import FeatureErrorDisplay
from ._latent_space import LatentSpaceDisplay
from ._loss_curve import LossCurveDisplay
from ._reconstruction import ReconstructionDisplay
from ._signals import SignalsDisplay
from ._threshold import ThresholdDisplay
from ._timeline import ScoreTimelineDisplay

__all__ = [
    "ArchitectureDisplay",
    "ErrorDistributionDisplay",
    "FeatureErrorDisplay",
    "LatentSpaceDisplay",
    "LossCurveDisplay",
    "ReconstructionDisplay",
    "ScoreTimelineDisplay",
    "SignalsDisplay",
    "ThresholdDisplay",
]
