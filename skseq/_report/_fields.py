# SPDX-License-Identifier: BSD-3-Clause
"""What stands in each place of the page, from the scored rows."""

from dataclasses import dataclass, replace
from html import escape

import numpy as np
import pandas as pd

from ._bootstrap import average_precision_difference
from ._drift import course_of, drift_in_words
from ._headline import headline
from ._input import decider, final
from ._page import (
    figures_html,
    json_for_script,
    legend_html,
    list_html,
    models_table,
    pictures_html,
    weights_html,
    windows_html,
)
from ._pictures import Drawn, draw_pictures, drift_picture
from ._scored import Rows
from ._tables import alarm_tables, contributions_of, sensors_html, tables_html
from ._verdict import judge, name_of_rival, rival
from ._words import (
    ABOUT_THE_ALARMS,
    ABOUT_THE_ROWS,
    about_the_models,
    about_the_threshold,
    about_the_threshold_in_use,
    about_the_timeline,
    about_the_windows,
    held_out_facts,
    summary,
)
from ._worst import worst_windows
from ._zoomed import threshold_table, timeline


@dataclass(frozen=True)
class Scored:
    """What is known of the rows, before anything is drawn or said."""

    X: object  # as it was given
    detector: object  # Detector or None
    models: list
    rows: Rows

    def judged(self):
        """Without the rows of which nothing was observed, and with the alarms."""
        judged = ~np.isnan([model.score for model in self.models]).any(axis=0)
        if judged.all():
            return replace(self, models=[m.raised(self.rows) for m in self.models])
        if not judged.any():
            raise ValueError(
                "No row can be judged: nothing was observed in any of their windows."
            )
        rows = self.rows.judged(judged)
        return replace(
            self,
            X=self.X[judged] if isinstance(self.X, pd.DataFrame) else self.X,
            detector=self.detector and self.detector.judged(judged),
            models=[model.judged(judged).raised(rows) for model in self.models],
            rows=rows,
        )


def page_fields(scored, *, estimator, score_name, grades, resampling, notes):
    """HTML for each place of the page, by name.

    Parameters
    ----------
    scored : Scored

    estimator : estimator
        That of the first model.

    score_name : str

    grades : DataFrame or None

    resampling : dict
        ``n_resamples`` and ``random_state``.

    notes : list of str

    Returns
    -------
    fields : dict of str to str
    """
    rows, models = scored.rows, scored.models
    measures = [model.measures(rows) for model in models]
    judged_by = decider(estimator), final(estimator)
    return {
        **_verdict(rows, models, measures, judged_by, resampling),
        "summary": escape(summary(rows, models)),
        "models": models_table(models, measures, rows),
        "models_note": escape(about_the_models(models, measures, rows)),
        "weights": weights_html(getattr(judged_by[0], "weights_", None)),
        **_timeline(rows, models[0], score_name),
        "tables": _tables(scored),
        **_drift(rows, models[0], judged_by[1], score_name),
        "sensors": "<p>Not known of this input.</p>"
        if grades is None
        else sensors_html(grades),
        **_pictures(scored, score_name),
        "notes": list_html(
            [
                *ABOUT_THE_ROWS,
                *held_out_facts(*judged_by),
                *(ABOUT_THE_ALARMS if rows.labelled else ()),
                *notes,
            ]
        ),
    }


def _verdict(rows, models, measures, judged_by, resampling):
    first = headline(models, measures, rows)
    other, difference, name = rival(models, measures), None, None
    if other is not None:
        name = name_of_rival(models, other)
        if rows.y.any() and not rows.y.all():
            difference = average_precision_difference(
                rows, models[0].score, models[other].score, **resampling
            )
    figures = [measures[0], measures[other or 0]]
    verdict = judge(models[0].name, name, rows, figures, difference)
    detail = verdict.detail
    if difference is not None:
        seed = resampling["random_state"]
        detail += f" The resamples are drawn with random_state={seed!r}."
    return {
        "headline": escape(first.sentence),
        "verdict_kind": "worse useless" if first.is_useless else verdict.kind,
        "verdict": escape(verdict.sentence),
        "standing": escape(about_the_threshold_in_use(*judged_by)),
        "verdict_detail": escape(detail),
    }


def _timeline(rows, model, score_name):
    table = threshold_table(rows, model)
    strips = timeline(rows, model, score_name)
    return {
        "threshold_text": escape(about_the_threshold(model, rows)),
        "figures": figures_html(rows.labelled),
        "legend": legend_html(rows.labelled),
        "strips_class": "one" if len(strips["strips"]) == 1 else "many",
        "timeline_note": escape(
            about_the_timeline(
                rows, len(table["threshold"]), is_thinned=strips.pop("is_thinned")
            )
        ),
        "thresholds": json_for_script(table),
        "strips": json_for_script(strips),
    }


def _tables(scored):
    rows, model, detector = scored.rows, scored.models[0], scored.detector
    if model.threshold is None:
        return f"<p>No threshold is known of {escape(model.name)}.</p>"
    contributions = None
    if detector is not None:
        contributions = contributions_of(detector, rows, model)
    return tables_html(*alarm_tables(rows, model, contributions), rows)


def _drift(rows, model, fitted, score_name):
    course = course_of(rows, model, fitted)
    sentence, _ = drift_in_words(course, rows)
    picture = drift_picture(course, rows, model, score_name)
    return {"drift": escape(sentence), "drift_picture": pictures_html(picture)}


def _pictures(scored, score_name):
    rows, models, detector = scored.rows, scored.models, scored.detector
    worst = worst_windows(detector, rows, models[0].score)
    drawn = Drawn(scored.X, detector, rows, models, score_name, worst[0].row)
    return {
        "pictures": pictures_html(draw_pictures(drawn)),
        "windows_note": escape(about_the_windows(models[0], detector)),
        "windows": windows_html(worst, rows, models[0]),
    }
