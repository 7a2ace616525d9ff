# SPDX-License-Identifier: BSD-3-Clause
"""The examples run without a warning, and show what their prose says they show."""

import re
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.fixture
def run(monkeypatch, capsys):
    """Run an example in this process, and give what it prints.

    With ``shorter`` of it written otherwise, where it would take long: of three seeds
    one, of three processes two, of the rows a part.
    """
    monkeypatch.setenv("MPLBACKEND", "Agg")
    pyplot = pytest.importorskip("matplotlib.pyplot")
    pyplot.switch_backend("Agg")

    def printed(name, shorter=()):
        path = EXAMPLES / f"plot_{name}.py"
        code = path.read_text(encoding="utf-8")
        for text, other in dict(shorter).items():
            assert code.count(text) == 1
            code = code.replace(text, other)
        exec(compile(code, path, "exec"), {"__name__": "__main__"})
        return capsys.readouterr().out

    yield printed
    pyplot.close("all")


def numbers(pattern, printed):
    """The numbers that a pattern with one group finds, in the order of print."""
    found = [float(number) for number in re.findall(pattern, printed)]
    assert found, f"{pattern!r} is not in what the example prints:\n{printed}"
    return found


def test_every_example_has_a_test():
    scripts = {path.stem.removeprefix("plot_") for path in EXAMPLES.glob("*.py")}
    tests = {name.removeprefix("test_example_") for name in globals()}
    assert scripts <= tests


def test_example_layer_by_layer(run):
    printed = run("layer_by_layer")
    assert printed.count("248,578") == 2
    assert "-> windows (5, 3, 2)" in printed
    assert max(numbers(r"mean squared error (\S+)", printed)) < 1e-3
    assert "equal to the output of encoder_: True" in printed
    assert "has transform: False" in printed


def test_example_encoder_decoder(run):
    printed = run("encoder_decoder")
    assert "padded (1200, 10, 5)" in printed
    assert "False" not in printed
    repeat, reshape = numbers(r"in its place: (\S+)%", printed)
    assert repeat > 98
    assert reshape > 90


def test_example_sensor_events(run):
    printed = run("sensor_events", {"n_sensors=1000": "n_sensors=600"})
    found = dict(re.findall(r"(.+): +average precision (\S+)", printed))
    precision = {name: float(value) for name, value in found.items()}
    best = precision.pop("autoencoder")
    assert best > max(precision.values()) + 0.1
    assert precision["statistics"] < 0.1 < precision["statistics, last row"]
    assert precision["statistics"] < precision["context"] < best
    assert precision["context"] < precision["context, untrained"]


def test_example_damped_sines(run):
    printed = run("damped_sines", {"seeds = range(3)": "seeds = range(1)"})
    (error,) = numbers(r"mean absolute error (\S+)", printed)
    assert error <= 0.02
    wide, two, three = numbers(r"parameters, .* held-out error (\S+)", printed)
    assert wide < min(two, three)


def test_example_rare_event_article(run):
    printed = run("rare_event_article", {"for drift in 0, 2:": "for drift in (2,):"})
    at_random, in_order = numbers(r"with (\d+) false alarms", printed)
    assert in_order > 2 * at_random
    precision = [
        [float(value) for value in values.split(", ")]
        for values in re.findall(r"drift \[1, 2\]: \[(.*)\]", printed)
    ]
    (_, flattered), (_, honest) = precision
    assert flattered > 2 * honest


def test_example_run_to_failure(run):
    printed = run("run_to_failure")
    blind, forest, committee = numbers(r"average precision (\S+)", printed)
    assert blind < 0.2 < 0.6 < forest
    assert committee > forest - 0.03
    weights = dict(re.findall(r"^(\w+) +(\d\.\d+)$", printed, re.M))
    assert {*weights} == {"residual", "lstm", "forest", "logistic"}
    assert max(weights, key=lambda name: float(weights[name])) in ("forest", "logistic")
    assert numbers(r"warned of: (\d+) of 15", printed)[0] >= 13
    assert numbers(r"false alarms: (\S+)%", printed)[0] < 3


def test_example_machine_temperature(run, public_tables):
    printed = run("machine_temperature")
    components, forest, value = numbers(r"average precision (\S+)", printed)
    assert components < forest < value - 0.2


def test_example_tennessee_eastman(run, public_tables):
    printed = run("tennessee_eastman")
    found = numbers(r"fault \d: (\S+)%", printed)
    assert min(found[:2]) > 99
    assert found[3] < found[2] < 80
