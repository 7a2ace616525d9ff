# SPDX-License-Identifier: BSD-3-Clause
from types import SimpleNamespace

import numpy as np
import pytest

from skseq import LSTMAutoencoder, ResidualAutoencoder
from skseq.plotting import ArchitectureDisplay


def _layer(kind, name, output_shape, n_parameters=0, **parts):
    """Stands in for a Keras layer of this class."""
    layer = type(kind, (), {"count_params": lambda self: n_parameters})()
    layer.name = name
    layer.output = SimpleNamespace(shape=(None, *output_shape))
    vars(layer).update(parts)
    return layer


def _estimator(*layers):
    return SimpleNamespace(model_=SimpleNamespace(layers=list(layers)))


def _autoencoder(n_timesteps=3):
    """The network of the article, (128, 64) on two features."""
    T = n_timesteps
    dense = _layer("Dense", "dense", (T, 2))
    return _estimator(
        _layer("InputLayer", "x", (T, 2)),
        _layer("LSTM", "encoder_0", (T, 128), 67_072),
        _layer("LSTM", "encoder_1", (64,), 49_408),
        _layer("RepeatVector", "repeat", (T, 64)),
        _layer("LSTM", "decoder_0", (T, 64), 33_024),
        _layer("LSTM", "decoder_1", (T, 128), 98_816),
        _layer("TimeDistributed", "output", (T, 2), 258, layer=dense),
    )


def _ends(arrow):
    """Horizontal places where an arrow starts and stops."""
    (start, _), (stop, _) = arrow._posA_posB
    return start, stop


def _flow(display):
    return [[_ends(arrow) for arrow in arrows] for arrows in display.arrows_]


def test_each_layer_has_a_box_for_each_step():
    display = ArchitectureDisplay.from_estimator(_autoencoder())
    assert [len(boxes) for boxes in display.boxes_] == [3] * 7
    centers = [box.get_x() + box.get_width() / 2 for box in display.boxes_[0]]
    assert centers == pytest.approx([0, 1, 2])


def test_data_flows_as_in_the_article():
    flow = _flow(ArchitectureDisplay.from_estimator(_autoencoder()))
    step_by_step = [(0, 0), (1, 1), (2, 2)]
    from_last_to_all = [(2, 0), (2, 1), (2, 2)]
    assert flow[0] == []
    assert flow[3] == from_last_to_all
    for layer in (1, 2, 4, 5, 6):
        assert flow[layer] == step_by_step


def test_a_layer_is_described_beside_its_row():
    display = ArchitectureDisplay.from_estimator(_autoencoder())
    texts = [tuple(text.get_text() for text in pair) for pair in display.texts_]
    assert texts[0] == ("x\nInputLayer", "(n, 3, 2)")
    assert texts[2] == (
        "encoder_1\nLSTM\nreturn_sequences=False",
        "(n, 64)\n49,408 parameters",
    )
    assert texts[5][0].endswith("return_sequences=True")
    assert texts[6] == ("output\nTimeDistributed(Dense)", "(n, 3, 2)\n258 parameters")
    assert display.ax_.get_title() == "248,578 parameters"


def test_steps_in_the_middle_are_left_out():
    display = ArchitectureDisplay.from_estimator(_autoencoder(50), max_steps=5)
    assert {len(boxes) for boxes in display.boxes_} == {4}
    texts = [text.get_text() for text in display.ax_.texts]
    assert [text for text in texts if text.startswith("step")] == [
        "step 1",
        "step 2",
        "step 3",
        "step 50",
    ]
    assert texts.count("...") == 7


def test_a_vector_is_a_single_box():
    display = ArchitectureDisplay.from_estimator(
        _estimator(
            _layer("InputLayer", "x", (3, 2)),
            _layer("LSTM", "recurrent_0", (8,), 352),
            _layer("Dense", "dense", (5,), 45),
        )
    )
    assert [len(boxes) for boxes in display.boxes_] == [3, 3, 1]
    assert _flow(display)[2] == [(2, 1)]


def test_both_ends_of_a_bidirectional_layer_emit():
    lstm = _layer("LSTM", "forward", (8,))
    display = ArchitectureDisplay.from_estimator(
        _estimator(
            _layer("InputLayer", "x", (3, 2)),
            _layer("Bidirectional", "encoder_0", (16,), 704, forward_layer=lstm),
            _layer("Dense", "dense", (5,), 85),
        )
    )
    assert display.layers[1].type == "Bidirectional(LSTM)"
    assert _flow(display)[2] == [(0, 1), (2, 1)]


def test_a_model_inside_the_model_is_drawn_layer_by_layer():
    inner = SimpleNamespace(
        layers=[
            _layer("InputLayer", "inner", (3, 2)),
            _layer("LSTM", "lstm", (4,), 112),
        ]
    )
    display = ArchitectureDisplay.from_estimator(
        _estimator(
            _layer("InputLayer", "x", (3, 2)), inner, _layer("Dense", "dense", (1,), 5)
        )
    )
    assert [flow.name for flow in display.layers] == ["x", "lstm", "dense"]
    assert display.layers[2].input_shape == (4,)


def test_texts_and_boxes_do_not_overlap():
    display = ArchitectureDisplay.from_estimator(_autoencoder())
    display.figure_.set_size_inches(5, 6)
    display.figure_.canvas.draw()
    for boxes, texts in zip(display.boxes_, display.texts_, strict=True):
        left, right = (text.get_window_extent() for text in texts)
        assert display.figure_.bbox.x0 <= left.x0
        assert left.x1 < boxes[0].get_window_extent().x0
        assert boxes[-1].get_window_extent().x1 < right.x0
        assert right.x1 <= display.figure_.bbox.x1
    for above, below in zip(display.texts_[:-1], display.texts_[1:], strict=True):
        assert below[0].get_window_extent().y1 < above[0].get_window_extent().y0


def test_a_real_keras_model_is_read():
    from skseq.networks._quiet import import_keras

    layers = import_keras().layers
    model = import_keras().Sequential(
        [
            layers.Input((4, 2)),
            layers.Bidirectional(layers.GRU(3, return_sequences=True)),
            layers.LSTM(5),
            layers.RepeatVector(4),
            layers.TimeDistributed(layers.Dense(2)),
        ]
    )
    display = ArchitectureDisplay.from_estimator(model)
    flows = {flow.type: flow for flow in display.layers}
    assert flows["InputLayer"].output_shape == (4, 2)
    assert flows["Bidirectional(GRU)"].input_shape == (4, 2)
    assert flows["Bidirectional(GRU)"].output_shape == (4, 6)
    assert flows["Bidirectional(GRU)"].return_sequences
    assert not flows["LSTM"].return_sequences
    assert flows["RepeatVector"].input_shape == (5,)
    assert sum(flow.n_parameters for flow in display.layers) == model.count_params()


def test_an_estimator_without_a_network_is_refused(detector):
    with pytest.raises(TypeError, match="'model_', which HalfReconstruction lacks"):
        ArchitectureDisplay.from_estimator(detector)


@pytest.fixture(scope="module")
def residual():
    X = np.random.default_rng(0).normal(size=(30, 4, 3))
    network = LSTMAutoencoder((4, 2), max_epochs=1, random_state=0)
    return ResidualAutoencoder(network, n_components=5).fit(X)


def test_a_linear_path_stands_beside_the_network(residual):
    display = ArchitectureDisplay.from_estimator(residual)
    names = [flow.name for flow in display.layers]
    assert names[0] == "x"
    assert names[2:] == [
        *("encoder_0", "encoder_1", "repeat", "decoder_0", "decoder_1", "output"),
        "sum",
    ]
    assert [flow.output_shape for flow in display.linear_path] == [(5,), (4, 3)]
    total = residual.model_.count_params()
    assert display.ax_.get_title() == f"{total:,} parameters"
    right = display.boxes_[0][-1].get_window_extent().x1
    for box in display.path_boxes_:
        assert box.get_window_extent().x0 > right


def test_the_linear_path_leads_from_the_input_to_the_sum(residual):
    display = ArchitectureDisplay.from_estimator(residual)
    out, between, into = (arrow._posA_posB for arrow in display.path_arrows_)
    edge = display.boxes_[0][-1].get_x() + display.boxes_[0][-1].get_width()
    assert out[0] == pytest.approx((edge, 0))
    assert into[1] == pytest.approx((edge, len(display.layers) - 1))
    code, path = display.path_boxes_
    assert between[0][1] == pytest.approx(code.get_y() + code.get_height())
    assert between[1][1] == pytest.approx(path.get_y())


def test_a_model_that_is_no_chain_is_refused_with_the_remedy(residual):
    with pytest.raises(ValueError, match="joins branches.*give the estimator itself"):
        ArchitectureDisplay.from_estimator(residual.model_)


def test_a_context_is_drawn_where_it_joins_the_latent_vector():
    X = np.random.default_rng(0).normal(size=(40, 3, 2))
    network = LSTMAutoencoder(2, max_epochs=1, random_state=0)
    detector = ResidualAutoencoder(network, context_features=[1]).fit(X)
    rows = ArchitectureDisplay.from_estimator(detector).layers
    names = [layer.name for layer in rows]
    after_repeat = rows[names.index("repeat") + 1]
    assert after_repeat.name == "with_context"
    assert after_repeat.output_shape == (3, 3)
    assert "context" not in names
