# SPDX-License-Identifier: BSD-3-Clause
"""The page in a browser that has no network."""

import json
import re
import shutil
import subprocess

import pytest

N_SCORED = 120
CHROMIUM = next(
    filter(
        None,
        map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome")),
    ),
    None,
)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs a chromium browser")

# Stands before everything else of the page.
WATCH = """<script>
const problems = [];
const note = (...what) => problems.push(what.join(" "));
console.error = console.warn = note;
addEventListener("error", (event) => note(event.message));
addEventListener("unhandledrejection", (event) => note(event.reason));
document.addEventListener("securitypolicyviolation", (event) =>
  note("blocked", event.violatedDirective, event.blockedURI));
</script>"""

# Moves the slider to some positions, and writes down what the page shows at each.
PROBE = """<pre id="probe"></pre><script>
const text = (id) => document.getElementById(id).textContent;
const pause = () => new Promise((done) => setTimeout(done, 300));
async function look(position) {
  if (position !== null) {
    slider.value = position;
    slider.dispatchEvent(new Event("input"));
  }
  await pause();
  const strips = [...document.querySelectorAll(".plot")].map((plot) => plot.dataset);
  return {
    position: slider.valueAsNumber,
    precision: text("precision"),
    recall: text("recall"),
    found: text("found"),
    falseAlarms: text("false-alarms"),
    threshold: strips.map((strip) => Number(strip.threshold)),
    alarms: strips.map((strip) => Number(strip.alarms)),
    drawn: strips.map((strip) => Number(strip.drawn)),
  };
}
addEventListener("load", async () => {
  const { slider } = window;
  const looks = [await look(null)];
  for (const position of [0, POSITION, slider.max]) looks.push(await look(position));
  document.getElementById("reset").click();
  looks.push(await look(null));
  const fetched = performance.getEntriesByType("resource").map((entry) => entry.name);
  document.getElementById("probe").textContent = JSON.stringify({
    looks, problems, fetched: fetched.filter((name) => !name.startsWith("data:")),
  });
});
</script>"""


def in_browser(html, folder, *options):
    """The page after its scripts have run, and what the console said."""
    page = folder / "page.html"
    page.write_text(html, encoding="utf-8")
    run = subprocess.run(
        [
            CHROMIUM,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-extensions",
            "--no-first-run",
            f"--user-data-dir={folder / 'profile'}",
            "--host-resolver-rules=MAP * ~NOTFOUND",
            "--enable-logging=stderr",
            "--virtual-time-budget=20000",
            *options,
            "--dump-dom",
            page.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    return run.stdout, re.findall(r".*CONSOLE.*", run.stderr)


@pytest.fixture(scope="module")
def thresholds(path):
    """The thresholds of the page, and what each gives."""
    source = path.read_text(encoding="utf-8")
    return json.loads(re.search(r'id="thresholds">(.*?)</script>', source)[1])


@pytest.fixture(scope="module")
def seen(path, thresholds, tmp_path_factory):
    html = path.read_text(encoding="utf-8")
    probe = PROBE.replace("POSITION", str(thresholds["start"] // 2))
    html = html.replace("<head>", f"<head>{WATCH}", 1)
    html = html.replace("</body>", f"{probe}</body>")
    dom, console = in_browser(html, tmp_path_factory.mktemp("browser"))
    probed = re.search(r'<pre id="probe">(.*?)</pre>', dom, re.S)[1]
    return {**json.loads(probed), "console": console}


def test_page_loads_without_network_and_without_complaint(seen):
    assert seen["problems"] == []
    assert seen["console"] == []
    assert seen["fetched"] == []


def test_slider_starts_at_the_threshold_in_use(seen, thresholds):
    assert seen["looks"][0]["position"] == thresholds["start"]


def test_button_goes_back_to_the_threshold_in_use(seen):
    assert seen["looks"][-1] == seen["looks"][0]


def test_figures_follow_the_slider(seen, thresholds):
    shown = [look["recall"] for look in seen["looks"]]
    assert len(set(shown)) == 4
    for look in seen["looks"]:
        k = look["position"]
        hits, flagged = thresholds["tp"][k], thresholds["tp"][k] + thresholds["fp"][k]
        assert look["precision"] == (f"{hits / flagged:.3f}" if flagged else "–")
        assert look["recall"] == f"{hits / thresholds['event_rows']:.3f}"
        assert look["found"] == f"{thresholds['found'][k]} of {thresholds['events']}"
        rate = float(look["falseAlarms"].split()[0].replace(",", ""))
        expected = thresholds["false_alarms"][k] * thresholds["rate_of_one"]
        assert rate == pytest.approx(expected, rel=5e-3)
        assert look["falseAlarms"].endswith("per 1,000 rows")


def test_timeline_follows_the_slider(seen, thresholds):
    for look in seen["looks"]:
        k = look["position"]
        assert look["threshold"] == [thresholds["threshold"][k]]
        assert look["drawn"] == [N_SCORED]
        assert look["alarms"] == [thresholds["tp"][k] + thresholds["fp"][k]]


def test_narrow_page_does_not_scroll_sideways(path, tmp_path):
    """In a frame, as the window of a browser may not be so narrow."""
    html = path.read_text(encoding="utf-8")
    report = """<script>addEventListener("load", () => setTimeout(() =>
      parent.postMessage(document.documentElement.scrollWidth, "*"), 300));</script>"""
    (tmp_path / "inner.html").write_text(
        html.replace("</body>", f"{report}</body>"), encoding="utf-8"
    )
    outer = """<iframe src="inner.html" width="400" height="900"></iframe>
      <pre id="probe"></pre><script>addEventListener("message", (event) => {
        document.getElementById("probe").textContent = event.data; });</script>"""
    dom, _ = in_browser(outer, tmp_path)
    assert int(re.search(r'<pre id="probe">(\d+)</pre>', dom)[1]) <= 404
