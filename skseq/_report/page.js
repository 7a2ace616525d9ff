// SPDX-License-Identifier: BSD-3-Clause
// The slider chooses a row of the table of thresholds; figures and timeline follow.
"use strict";

(() => {
  const table = JSON.parse(document.getElementById("thresholds").textContent);
  const slider = document.getElementById("slider");
  const timeline = document.getElementById("timeline");
  const [SCORE, ALARM, THRESHOLD] = [1, 2, 3]; // traces of the timeline

  const show = (id, text) => {
    document.getElementById(id).textContent = text;
  };
  const ratio = (part, whole) => (whole > 0 ? (part / whole).toFixed(3) : "–");
  const number = (value) => Number(value.toPrecision(3)).toLocaleString("en");
  const rate = (count) => `${number(count * table.rate_of_one)} ${table.unit}`;

  function showFigures(k) {
    const hits = table.tp[k];
    show("threshold", table.threshold[k].toPrecision(4));
    show("precision", ratio(hits, hits + table.fp[k]));
    show("recall", ratio(hits, table.event_rows));
    show("found", table.events ? `${table.found[k]} of ${table.events}` : "–");
    show("alarms", rate(table.alarms[k]));
    show("false-alarms", rate(table.false_alarms[k]));
  }

  function showOnTimeline(k) {
    const threshold = table.threshold[k];
    const { x, y } = timeline.data[SCORE];
    // A break in the line is null, which would count as 0.
    const above = x.map((_, i) => i).filter((i) => y[i] !== null && y[i] > threshold);
    Plotly.restyle(
      timeline,
      {
        x: [above.map((i) => x[i]), timeline.data[THRESHOLD].x],
        y: [above.map((i) => y[i]), [threshold, threshold]],
      },
      [ALARM, THRESHOLD],
    );
  }

  function follow() {
    showFigures(slider.valueAsNumber);
    showOnTimeline(slider.valueAsNumber);
  }

  slider.max = table.threshold.length - 1;
  slider.value = table.start;
  slider.addEventListener("input", follow);
  document.getElementById("reset").addEventListener("click", () => {
    slider.value = table.start;
    follow();
  });
  showFigures(table.start);
})();
