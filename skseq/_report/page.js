// SPDX-License-Identifier: BSD-3-Clause
// The slider chooses a row of the table of thresholds; figures and timeline follow.
"use strict";

(() => {
  const table = JSON.parse(document.getElementById("thresholds").textContent);
  const slider = document.getElementById("slider");

  const show = (id, text) => {
    const element = document.getElementById(id);
    if (element) element.textContent = text;
  };
  const ratio = (part, whole) => (whole > 0 ? (part / whole).toFixed(3) : "–");
  const number = (value) => Number(value.toPrecision(3)).toLocaleString("en");
  const rate = (count) => `${number(count * table.rate_of_one)} ${table.unit}`;
  const percent = (part, whole) =>
    whole > 0 ? `${number((100 * part) / whole)}%` : "–";

  function showFigures(k) {
    const hits = table.tp[k];
    show("threshold", Number(table.threshold[k].toPrecision(4)).toString());
    show("precision", ratio(hits, hits + table.fp[k]));
    show("recall", ratio(hits, table.event_rows));
    show("found", table.events ? `${table.found[k]} of ${table.events}` : "–");
    show("alarms", rate(table.alarms[k]));
    show("false-alarms", rate(table.false_alarms[k]));
    show("false-rows", percent(table.fp[k], table.normal_rows));
  }

  function follow() {
    const k = slider.valueAsNumber;
    showFigures(k);
    window.skseqTimeline.draw(table.threshold[k]);
  }

  slider.max = table.threshold.length - 1;
  slider.value = table.start;
  slider.addEventListener("input", follow);
  document.getElementById("reset").addEventListener("click", () => {
    slider.value = table.start;
    follow();
  });
  follow();
})();
