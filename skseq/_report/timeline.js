// SPDX-License-Identifier: BSD-3-Clause
// A strip of scores for each series: drag to look closer, click twice to go back.
"use strict";

window.skseqTimeline = (() => {
  const data = JSON.parse(document.getElementById("strips").textContent);
  const [LEFT, RIGHT, TOP, BOTTOM] = [58, 12, 6, 26];
  const SECOND = 1000, DAY = 86400 * SECOND;
  const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800,
    21600, 43200, 86400, 172800, 345600, 604800, 1209600].map((s) => s * SECOND);
  const MONTHS = [1, 2, 3, 6, 12, 24, 60, 120];
  const finite = data.strips.flatMap((strip) => strip.y.filter((y) => y !== null));
  const scale = yScale();
  let threshold = null;

  const date = (ms, from, to) => new Date(ms).toISOString().replace("T", " ").slice(from, to);
  const plain = (value) => Number(value.toPrecision(4)).toLocaleString("en",
    { maximumSignificantDigits: 4 });
  const named = (x) => (data.has_dates ? date(x, 0, 19) : `${data.x_name} ${x}`);

  // Scores from the lowest that the scale shows, at 0, to the highest, at 1.
  function yScale() {
    const positive = finite.filter((y) => y > 0).sort((a, b) => a - b);
    let low = finite.reduce((p, q) => Math.min(p, q), Infinity);
    let high = finite.reduce((p, q) => Math.max(p, q), -Infinity);
    if (data.is_log) {
      low = Math.max(positive[0], positive[Math.floor(positive.length / 2)] / 1e4);
    }
    if (!(high > low)) [low, high] = data.is_log ? [low / 2, high * 2] : [low - 1, high + 1];
    const f = data.is_log ? Math.log10 : (y) => y;
    const pad = 0.04 * (f(high) - f(low));
    const [from, to] = [f(low) - pad, f(high) + pad];
    const at = (y) => {
      const value = data.is_log && y <= 0 ? from : f(y);
      return Math.min(Math.max((value - from) / (to - from), 0), 1);
    };
    return { at, from, to };
  }

  function yTicks() {
    const { from, to } = scale;
    const ticks = [];
    if (data.is_log) {
      const digits = to - from < 1.5 ? [1, 2, 5] : [1];
      const every = Math.max(1, Math.ceil((to - from) / 5));
      for (let d = Math.floor(from); d <= to; d += 1) {
        if (digits.length === 1 && d % every) continue;
        for (const digit of digits) ticks.push(digit * 10 ** d);
      }
      return ticks.filter((y) => Math.log10(y) >= from && Math.log10(y) <= to);
    }
    const rough = (to - from) / 4;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((s) => s * power).find((s) => s >= rough);
    for (let k = Math.ceil(from / step); k * step <= to; k += 1) ticks.push(k * step);
    return ticks;
  }

  // Ticks on the horizontal axis, with what to write at each.
  function xTicks(from, to, room) {
    const wanted = Math.max(2, Math.floor(room / 100));
    const span = to - from || 1;
    const ticks = [];
    if (!data.has_dates) {
      const rough = span / wanted;
      const power = 10 ** Math.floor(Math.log10(rough));
      let step = [1, 2, 5, 10].map((s) => s * power).find((s) => s >= rough);
      if (data.x_name === "row") step = Math.max(1, step);
      for (let k = Math.ceil(from / step); k * step <= to; k += 1) {
        ticks.push([k * step, plain(k * step)]);
      }
      return ticks;
    }
    const step = STEPS.find((s) => span / s <= wanted);
    if (step === undefined) {
      const months = MONTHS.find((m) => span / (30 * DAY * m) <= wanted) || 240;
      const first = new Date(from);
      for (let m = 0; ; m += 1) {
        const month = Math.ceil(first.getUTCMonth() / months) * months + m * months;
        const at = Date.UTC(first.getUTCFullYear(), month);
        if (at > to) return ticks;
        if (at >= from) ticks.push([at, date(at, 0, 7)]);
      }
    }
    const text = step >= DAY ? [0, 10] : step >= 60 * SECOND ? [5, 16] : [11, 19];
    for (let k = Math.ceil(from / step); k * step <= to; k += 1) {
      ticks.push([k * step, date(k * step, ...text)]);
    }
    return ticks;
  }

  const range = (strip) => [strip.x[0], strip.x[strip.x.length - 1]];
  const whole = data.has_dates || data.strips.length === 1
    ? [Math.min(...data.strips.map((s) => range(s)[0])),
       Math.max(...data.strips.map((s) => range(s)[1]))] : null;
  const views = data.strips.map(make);

  function make(strip) {
    const root = document.createElement("div");
    root.className = "strip";
    root.innerHTML = "<p class='strip-name'></p><div class='plot'></div><p class='tip'></p>";
    root.querySelector(".strip-name").textContent = strip.name;
    document.getElementById("timeline").append(root);
    const view = { strip, root, plot: root.querySelector(".plot"),
                   tip: root.querySelector(".tip"), zoom: null };
    listen(view);
    return view;
  }

  function place(view) {
    const [from, to] = view.zoom || whole || range(view.strip);
    const width = view.plot.clientWidth || 600, height = view.plot.clientHeight || 150;
    const room = Math.max(width - LEFT - RIGHT, 10), high = height - TOP - BOTTOM;
    const px = (x) => LEFT + ((x - from) / (to - from || 1)) * room;
    const py = (y) => TOP + high * (1 - scale.at(y));
    return { from, to, width, height, room, px, py };
  }

  function drawStrip(view) {
    const { strip } = view;
    const at = place(view);
    const { px, py } = at;
    const f = (v) => v.toFixed(1);
    const bottom = at.height - BOTTOM;
    let line = "", alarms = "", events = "", count = 0, up = true;
    for (let i = 0; i < strip.x.length; i += 1) {
      const x = strip.x[i], y = strip.y[i];
      if (y === null || x < at.from || x > at.to) { up = true; continue; }
      line += `${up ? "M" : "L"}${f(px(x))} ${f(py(y))}`;
      up = false;
      if (y > threshold) {
        alarms += `M${f(px(x) - 2.5)} ${f(py(y) - 2.5)}l5 5m0 -5l-5 5`;
        count += 1;
      }
    }
    for (const [first, last] of strip.events) {
      if (last < at.from || first > at.to) continue;
      const left = Math.max(px(first), LEFT), right = Math.min(px(last), at.width - RIGHT);
      events += `M${f(left)} ${TOP}H${f(Math.max(right, left + 1.5))}V${bottom}H${f(left)}Z`;
    }
    const labels = yTicks().map((y) =>
      `<path class="grid" d="M${LEFT} ${f(py(y))}H${at.width - RIGHT}"/>` +
      `<text x="${LEFT - 5}" y="${f(py(y) + 4)}" text-anchor="end">${plain(y)}</text>`);
    xTicks(at.from, at.to, at.room).forEach(([x, text]) => labels.push(
      `<path class="tick" d="M${f(px(x))} ${bottom}v4"/>` +
      `<text x="${f(px(x))}" y="${bottom + 17}" text-anchor="middle">${text}</text>`));
    view.plot.innerHTML = `<svg width="${at.width}" height="${at.height}" role="img" ` +
      `aria-label="scores"><path class="event" d="${events}"/>${labels.join("")}` +
      `<path class="score" d="${line}"/><path class="alarm" d="${alarms}"/>` +
      `<path class="threshold" d="M${LEFT} ${f(py(threshold))}H${at.width - RIGHT}"/>` +
      `<rect class="drag" y="${TOP}" height="${bottom - TOP}" width="0"/></svg>`;
    Object.assign(view.plot.dataset, { alarms: count, threshold,
      drawn: strip.y.filter((y) => y !== null).length });
  }

  function listen(view) {
    const { plot } = view;
    let start = null;
    const inside = (event) => {
      const { from, to, room } = place(view);
      const share = (event.clientX - plot.getBoundingClientRect().left - LEFT) / room;
      return from + Math.min(Math.max(share, 0), 1) * (to - from);
    };
    const zoomTo = (zoom) => {
      (whole ? views : [view]).forEach((one) => { one.zoom = zoom; drawStrip(one); });
    };
    plot.addEventListener("pointerdown", (event) => { start = inside(event); });
    plot.addEventListener("pointermove", (event) => {
      const x = inside(event);
      tell(view, x);
      const mark = plot.querySelector(".drag");
      if (start === null || !mark) return;
      const { px } = place(view);
      mark.setAttribute("x", px(Math.min(start, x)));
      mark.setAttribute("width", Math.abs(px(x) - px(start)));
    });
    plot.addEventListener("pointerup", (event) => {
      const x = inside(event), { px } = place(view);
      const far = start !== null && Math.abs(px(x) - px(start)) > 5;
      if (far) zoomTo([Math.min(start, x), Math.max(start, x)]);
      start = null;
    });
    plot.addEventListener("pointerleave", () => { start = null; drawStrip(view); });
    plot.addEventListener("dblclick", () => zoomTo(null));
  }

  // Beside the name of the strip: the row under the pointer, and its score.
  function tell(view, x) {
    const { strip } = view;
    let best = -1;
    for (let i = 0; i < strip.x.length; i += 1) {
      if (strip.y[i] === null) continue;
      if (best < 0 || Math.abs(strip.x[i] - x) < Math.abs(strip.x[best] - x)) best = i;
    }
    view.tip.textContent = best < 0 ? ""
      : `${named(strip.x[best])}: ${data.score_name} ${plain(strip.y[best])}`;
  }

  function draw(value) {
    threshold = value;
    views.forEach(drawStrip);
  }
  addEventListener("resize", () => threshold !== null && draw(threshold));
  return { draw };
})();
