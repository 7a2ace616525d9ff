# SPDX-License-Identifier: BSD-3-Clause
"""What scores that come one after another mean: alarms, silence, and drift."""

from typing import NamedTuple

import numpy as np

# Of so many rows with a score, the last ones, the health of a stream tells.
N_RECENT = 1000
ABOVE, IN_ALARM = 1, 2


class StreamEvent(NamedTuple):
    """What happened to a series of a stream.

    Parameters
    ----------
    kind : str
        "start" or "end" of an alarm; "silent", where no row with data has come for
        too long; "heard", at the next one with data.

    series : hashable
        Name of the series; None of the only one.

    row : int or None
        Row of the call, counted from 0, at which this was known. None where a series
        was forgotten, or time alone went by.

    time : pandas.Timestamp, pandas.Timedelta, float or None
        Time of that row; for "silent" that of the last row with data.

    alarm : Alarm or None
        The alarm that started or ended.

    Examples
    --------
    >>> from skseq import PCAAutoencoder, StreamScorer
    >>> from skseq.alarms import AlarmRule
    >>> import numpy as np
    >>> X = np.random.default_rng(0).normal(size=(40, 3, 2))
    >>> stream = StreamScorer(PCAAutoencoder(2).fit(X), alarm_rule=AlarmRule())
    >>> scores = stream.score_many(np.vstack([X[0], [[9, 9], [9, 9]]]))
    >>> [(event.kind, event.row) for event in stream.events_]
    [('start', 3)]
    """

    kind: str
    series: object
    row: int | None
    time: object
    alarm: object = None


class Watch:
    """Follows the scores of the rows of a call, in order: a part of ``Taking``."""

    def see(self, entry, score, given, flag, above):
        """A row with its score; what it means waits where its time is in doubt."""
        series, counts = entry.series, self.counts
        counts.n_without_data += score != score
        seen = entry.time, score, given, flag, above
        if entry.step.is_ahead:
            series.pending = seen
            return
        if series.pending is not None:
            pending, series.pending = series.pending, None
            self._happen(entry, *pending)
        self._happen(entry, *seen)

    def see_all(self, entries, scores, times):
        """The same of rows in order, none of which has a time that is in doubt."""
        given, flags, above = self.rules.alarm_values(self.steps, scores)
        if self.rules.alarm_rule is None and self.rules.limits.silence is None:
            counts, judged = self.counts, ~np.isnan(scores)
            bits = ABOVE * np.array(above) + IN_ALARM * np.array(flags)
            recent = counts.recent + bits[judged].astype(np.uint8).tobytes()
            counts.recent = recent[-N_RECENT:]
            counts.n_without_data += len(scores) - int(np.count_nonzero(judged))
            if times[0] is not None:
                known = () if counts.newest is None else (counts.newest,)
                counts.newest = max([*known, *times])
            return
        seen = zip(entries, scores.tolist(), given, flags, above, strict=True)
        for entry, *judged in seen:
            self.see(entry, *judged)

    def _happen(self, entry, time, score, given, flag, above):
        series, counts = entry.series, self.counts
        if time is not None:
            later = counts.newest is None or time > counts.newest
            counts.newest = time if later else counts.newest
        self._listen(entry, series, time, has_data=score == score)
        is_on = flag
        if series.alarm is not None:
            for event in series.alarm.step(given, time):
                self._tell(event.kind, entry.key, entry.row, time, event.alarm)
            is_on = series.alarm.is_on
        if score == score:
            bits = ABOVE * above + IN_ALARM * is_on
            counts.recent = (counts.recent + bytes([bits]))[-N_RECENT:]
        self.look_for_silence(entry.row)

    def _listen(self, entry, series, time, *, has_data):
        limit = self.rules.limits.silence
        if limit is None:
            return
        if has_data or series.judged is None:
            if series.judged is None or series.is_silent:
                silent_after = min(self.counts.silent_after, time + limit)
                self.counts.silent_after = silent_after
            if series.is_silent:
                self._tell("heard", entry.key, entry.row, time)
            series.judged, series.is_silent = time, False

    def look_for_silence(self, row=None):
        """Tell of the series that have been silent for too long by the newest time."""
        counts, limit = self.counts, self.rules.limits.silence
        if limit is None or counts.newest is None:
            return
        if counts.newest <= counts.silent_after:
            return
        following = float("inf")
        for key, series in self.everyone().items():
            if series.judged is None or series.is_silent:
                continue
            if counts.newest - series.judged > limit:
                self.own(key).is_silent = True
                self._tell("silent", key, row, series.judged)
            else:
                following = min(following, series.judged + limit)
        counts.silent_after = following

    def end_alarm(self, key, series):
        """Tell that an alarm is over, as its series is forgotten."""
        if series.alarm is not None:
            for event in series.alarm.finish():
                alarm = event.alarm
                self.events.append(StreamEvent("end", key, None, None, alarm))

    def _tell(self, kind, key, row, time, alarm=None):
        if time is not None:
            time = self.steps.show_time(time)
        self.events.append(StreamEvent(kind, key, row, time, alarm))
