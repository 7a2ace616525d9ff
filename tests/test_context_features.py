# SPDX-License-Identifier: BSD-3-Clause
"""Context features: seen by every estimator that reconstructs, and never judged."""

import naive_networks as naive
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.ensemble import IsolationForest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skseq import (
    ContextEncoder,
    DetectorCommittee,
    EachTimeStep,
    LSTMAutoencoder,
    LSTMReconstructor,
    PCAAutoencoder,
    RareEventClassifier,
    ResidualAutoencoder,
    SlidingWindow,
    StreamScorer,
)
from skseq.engines._network import FittedNetwork
from skseq.engines.native._built import has_kernels
from skseq.networks import Architecture
from skseq.persistence import load, save

NAMES = ["set_point", "flow", "power", "mode"]
CONTEXT = ["set_point", "mode"]
IS_CONTEXT = np.array([True, False, False, True])


def network(**params):
    return LSTMAutoencoder(3, max_epochs=2, random_state=0, **params)


def process(n=240, seed=0):
    """Two readings that follow a set point and a mode, with noise."""
    rng = np.random.default_rng(seed)
    commands = np.repeat(rng.normal(size=(n // 12, 2)), 12, axis=0)
    commands[:, 1] = commands[:, 1] > 0
    flow = commands[:, 0] + 0.1 * rng.normal(size=n)
    power = flow - commands[:, 1] + 0.1 * rng.normal(size=n)
    columns = commands[:, 0], flow, power, commands[:, 1]
    return pd.DataFrame(np.column_stack(columns), columns=NAMES)


@pytest.fixture(scope="module")
def table():
    return process()


@pytest.fixture(scope="module")
def windows(table):
    return SlidingWindow(5).fit_transform(table)


MODELS = {
    "pca": PCAAutoencoder(3, context_features=[0, 3]),
    "residual": ResidualAutoencoder(network(), context_features=[0, 3]),
    "lstm": network(context_features=[0, 3], add_missing_indicator=True),
    "reconstructor": LSTMReconstructor(
        3, max_epochs=2, random_state=0, context_features=[0, 3]
    ),
}


@pytest.fixture(scope="module")
def sequences(windows):
    return np.asarray(windows)


@pytest.fixture(scope="module")
def fitted(sequences):
    return {name: clone(model).fit(sequences) for name, model in MODELS.items()}


@pytest.fixture(params=MODELS)
def model(request, fitted):
    return fitted[request.param]


def save_and_load(estimator, folder, trusted=()):
    path = folder / "model.skseq"
    save(estimator, path, trusted=trusted)
    return load(path, trusted=trusted)


def with_other_context(X, seed=1):
    other = np.array(X)
    context = other[:, :, IS_CONTEXT]
    noise = np.random.default_rng(seed).normal(size=context.shape)
    other[:, :, IS_CONTEXT] = context + noise
    return other


def test_a_context_is_seen_and_in_no_attribution(model, sequences):
    X = np.asarray(sequences[50:60])
    other = with_other_context(X)
    assert np.abs(model.score_samples(other) - model.score_samples(X)).max() > 1e-4
    for sequences in (X, other):
        shares = model.explain(sequences)
        assert (shares.loc[:, IS_CONTEXT] == 0).all(axis=None)
        total = model.reconstruction_error(sequences)
        assert_allclose(shares.sum(axis=1), total, rtol=1e-6)
        for per in ("feature", "cell"):
            errors = model.reconstruction_error(sequences, per=per)
            assert np.isnan(errors[..., IS_CONTEXT]).all()
            assert not np.isnan(errors[..., ~IS_CONTEXT]).any()


def test_a_context_is_given_back_as_it_is(model, sequences):
    X = np.array(sequences[50:60])
    X[0, 2, 0] = np.nan
    out = model.reconstruct(X)
    assert_array_equal(out[..., IS_CONTEXT], X[..., IS_CONTEXT])
    assert np.isfinite(out[..., ~IS_CONTEXT]).all()


def test_where_only_the_context_is_observed_nothing_is_judged(model, sequences):
    X = np.array(sequences[50:53])
    X[1][:, ~IS_CONTEXT] = np.nan
    assert_array_equal(np.isnan(model.score_samples(X)), [False, True, False])
    X[1] = np.nan
    assert_array_equal(np.isnan(model.score_samples(X)), [False, True, False])


def test_indices_and_a_mask_are_as_good_as_names(windows):
    expected = PCAAutoencoder(2, context_features=CONTEXT).fit(windows)
    assert_array_equal(expected.is_context_, IS_CONTEXT)
    for given in ([3, 0], IS_CONTEXT, list(IS_CONTEXT), np.array(CONTEXT)):
        other = PCAAutoencoder(2, context_features=given).fit(windows)
        assert_array_equal(other.components_, expected.components_)
    without = PCAAutoencoder(2, context_features=[]).fit(windows)
    assert without.is_context_ is None


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["flow", "speed"], "names 'speed', which is not a feature of X: it has set"),
        ([1, 4], "holds 4, which is not the index of one of 4"),
        ([-1], "holds -1"),
        ([True, False], "is a mask of 2 features, but X has 4"),
        ([0, 1, 2, 3], "leaves none to judge"),
        ([0.5], "must be a list of names"),
        ([[0, 1]], "must be 1-D"),
        ("flow", "must be an array-like or None"),
    ],
)
def test_what_is_no_context_is_refused_by_its_name(windows, given, message):
    with pytest.raises(ValueError, match=f"'context_features'.*{message}"):
        PCAAutoencoder(2, context_features=given).fit(windows)


def test_names_need_names(windows):
    with pytest.raises(ValueError, match="no names of features"):
        PCAAutoencoder(2, context_features=CONTEXT).fit(np.asarray(windows))


def naive_components(X, n_components):
    """Regress, as ridge on the components of the context, then PCA of what is left."""
    n = len(X)
    cells = X.astype(float)
    cells -= cells.mean(axis=0)
    judged = cells[:, :, ~IS_CONTEXT].reshape(n, -1)
    context = cells[:, :, IS_CONTEXT].reshape(n, -1)
    spread = context.std(axis=0, ddof=1)
    scaled = context / spread
    variances, axes = np.linalg.eigh(scaled.T @ scaled / (n - 1))
    axes = axes[:, variances / (variances + 0.25) > 0.05]
    scores = scaled @ axes
    ridge = 0.01 * (n - 1) * np.eye(axes.shape[1])
    effects = np.linalg.solve(scores.T @ scores + ridge, scores.T @ judged)
    left = judged - scores @ effects
    _, _, components = np.linalg.svd(left - left.mean(axis=0), full_matrices=False)
    components = components[:n_components]
    return scores @ effects + left @ components.T @ components - judged


def test_pca_equals_a_regression_and_the_components_of_what_it_leaves(windows):
    X = np.asarray(windows[20:])
    pca = PCAAutoencoder(3, context_features=[0, 3]).fit(X)
    errors = pca.reconstruct(X)[:, :, ~IS_CONTEXT] - X[:, :, ~IS_CONTEXT]
    assert_allclose(errors.reshape(len(X), -1), naive_components(X, 3), atol=2e-5)


def test_what_the_context_explains_counts_as_variance_that_is_kept(windows):
    with_context = PCAAutoencoder(0.95, context_features=CONTEXT).fit(windows)
    assert with_context.n_components_ < PCAAutoencoder(0.95).fit(windows).n_components_


def prepared(estimator, X):
    """Inputs of the network in its order: judged, context, then what is missing."""
    order = [1, 2, 0, 3]
    missing = np.isnan(X)
    inputs = np.where(missing, estimator.feature_means_, X)[:, :, order]
    if estimator.add_missing_indicator:
        inputs = np.concatenate([inputs, missing[:, :, order]], axis=2)
    return inputs, ~missing.all(axis=2)


@pytest.mark.parametrize("name", ["lstm", "reconstructor"])
def test_a_network_equals_the_naive_one(fitted, sequences, name):
    estimator, X = fitted[name], np.array(sequences[:8])  # padded, some
    X[6, 3, 1] = X[6, 2, 0] = np.nan
    out = estimator.reconstruct(X)[:, :, ~IS_CONTEXT]
    for x, mask, got in zip(*prepared(estimator, X), out, strict=True):
        expected = naive.output(estimator.architecture_, estimator.weights_, x, mask)
        assert_allclose(got[mask], expected[mask], atol=2e-6)


def test_the_residual_network_sees_the_context_through_a_tanh(fitted, sequences):
    estimator, X = fitted["residual"], np.asarray(sequences[50:54])
    path = estimator.path_
    cells = (X[:, :, [1, 2, 0, 3]] - path.center) / path.spread
    level = cells[:, :, :2].mean(axis=1, keepdims=True)
    n, n_timesteps, _ = X.shape
    explained = cells[:, :, 2:].reshape(n, -1) @ path.context_code @ path.explained
    flat = cells[:, :, :2].reshape(n, -1) - explained
    linear = flat @ path.encoder @ path.components + explained
    linear = linear.reshape(n, n_timesteps, 2) * path.spread[:2] + path.center[:2]
    parts = [cells[:, :, :2] - level, np.tanh(cells[:, :, 2:])]
    parts.append(np.tanh(level) + 0 * cells[:, :, :2])
    rest = [
        naive.output(estimator.architecture_, estimator.weights_, x)
        for x in np.concatenate(parts, axis=2)
    ]
    expected = linear + np.array(rest) * path.scale
    assert_allclose(estimator.reconstruct(X)[:, :, 1:3], expected, atol=1e-5)


@pytest.mark.skipif(not has_kernels(), reason="the kernels were not built")
def test_both_engines_train_the_same_network(sequences):
    X = sequences[4:68]
    native, by_keras = (
        network(context_features=[0, 3], engine=engine).fit(X)
        for engine in ("native", "keras")
    )
    for ours, theirs in zip(native.weights_, by_keras.weights_, strict=True):
        assert_allclose(ours, theirs, atol=2e-5)
    latent, context = native.transform(X), X[:, :, IS_CONTEXT]
    decoded = by_keras.inverse_transform(latent, context)
    assert_allclose(native.inverse_transform(latent, context), decoded, atol=2e-5)


def in_keras(X, **params):
    """An architecture with a context, its first weights, and what Keras gives."""
    architecture = Architecture(5, 2, (5,), n_context=2, **params)
    weights = architecture.initial_weights(np.random.RandomState(0))
    fill = np.zeros(4, np.float32)
    fitted = FittedNetwork(architecture, weights, fill, None, "keras", 1, IS_CONTEXT)
    return architecture, fitted, np.concatenate([y for *_, y in fitted.outputs(X)])


@pytest.mark.parametrize("decoder", ["reshape", "dense"])
def test_every_decoder_sees_the_context(sequences, decoder):
    X = sequences[30:33]
    architecture, fitted, outputs = in_keras(X, decoder=decoder)
    x = X[:, :, [1, 2, 0, 3]]
    for one, got in zip(x, outputs, strict=True):
        expected = naive.output(architecture, fitted.weights, one)
        assert_allclose(got, expected, atol=2e-6)
    models = fitted.as_keras()
    assert_allclose(models.model(x), outputs, atol=2e-6)
    latent = np.asarray(models.encoder(x))
    assert_allclose(models.decoder([latent, x[:, :, 2:]]), outputs, atol=2e-6)
    under_other = models.decoder([latent, x[:, :, 2:] + 1])
    assert np.abs(under_other - outputs).max() > 1e-3


def test_a_conditional_decoder_is_fed_with_itself_and_the_context(sequences):
    X = sequences[20:36]
    params = {"decoder": "conditional", "cell": "gru", "max_epochs": 1}
    ae = LSTMAutoencoder(
        5,
        **params,
        batch_size=16,
        early_stopping=False,
        context_features=[0, 3],
        random_state=0,
    ).fit(X)
    x, judged = X[:, :, [1, 2, 0, 3]], X[:, :, ~IS_CONTEXT]
    first = ae.architecture_.initial_weights(np.random.RandomState(0))
    forced = [naive.output(ae.architecture_, first, one, None, one[:, :2]) for one in x]
    loss = np.square(forced - judged).mean()
    assert ae.loss_curve_[0] == pytest.approx(loss, rel=1e-5)
    own = [naive.output(ae.architecture_, ae.weights_, one) for one in x]
    assert_allclose(ae.reconstruct(X)[:, :, ~IS_CONTEXT], own, atol=2e-6)


@pytest.mark.parametrize("name", ["pca", "residual", "lstm"])
def test_latent_vectors_are_decoded_under_a_context(fitted, sequences, name):
    estimator, X = fitted[name], np.asarray(sequences[50:56])
    latent, context = estimator.transform(X), X[:, :, IS_CONTEXT]
    again = estimator.inverse_transform(latent, context)
    assert_allclose(again, estimator.reconstruct(X), atol=1e-5)
    usual = estimator.inverse_transform(latent)
    means = usual[:, :, IS_CONTEXT]
    assert_allclose(means, estimator.inverse_transform(latent, means)[:, :, IS_CONTEXT])
    assert np.abs(usual - again)[:, :, ~IS_CONTEXT].max() > 1e-4
    with pytest.raises(ValueError, match=r"'context' must be of shape .* \(6, 5, 2\)"):
        estimator.inverse_transform(latent, X)


def test_without_context_features_no_context_is_taken(windows):
    pca = PCAAutoencoder(2).fit(windows)
    latent = pca.transform(windows[:3])
    with pytest.raises(ValueError, match="without 'context_features'"):
        pca.inverse_transform(latent, np.zeros((3, 5, 2)))


def test_files_keep_the_context(model, sequences, tmp_path):
    loaded = save_and_load(model, tmp_path)
    assert_array_equal(loaded.score_samples(sequences), model.score_samples(sequences))
    assert_array_equal(loaded.is_context_, model.is_context_)


def test_a_forged_context_is_refused(fitted, tmp_path):
    forged = clone(fitted["lstm"])
    vars(forged).update(vars(fitted["lstm"]))
    forged.is_context_ = np.array([True, False, False, False])
    with pytest.raises(ValueError, match="is_context_ must mark 2 features"):
        save_and_load(forged, tmp_path)


@pytest.mark.parametrize("name", ["residual", "lstm", "reconstructor"])
def test_an_onnx_graph_takes_all_columns_and_gives_the_judged(fitted, sequences, name):
    runtime = pytest.importorskip("onnxruntime")
    from skseq import to_onnx

    estimator, X = fitted[name], np.array(sequences[50:60])
    X[0, 1, 1] = X[0, 2, 3] = np.nan
    graph = to_onnx(estimator).SerializeToString()
    session = runtime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    (out,) = session.run(["reconstruction"], {"X": X})
    assert_allclose(out, estimator.reconstruct(X)[:, :, ~IS_CONTEXT], atol=1e-5)


def test_streams_score_as_a_table_does(table):
    model = make_pipeline(
        SlidingWindow(5),
        EachTimeStep(StandardScaler()),
        PCAAutoencoder(3, context_features=CONTEXT),
    ).fit(table)
    stream = StreamScorer(model)
    scores = stream.score_many(table.head(20))
    assert_allclose(scores, model.score_samples(table)[:20], rtol=1e-5)


def test_training_goes_on_with_the_same_context_only(windows):
    ae = network(context_features=CONTEXT, warm_start=True).fit(windows[:60])
    assert ae.fit(windows[:60]).n_iter_ == 2
    with pytest.raises(ValueError, match="other 'context_features'"):
        ae.set_params(context_features=[1, 2]).fit(windows[:60])


def test_probabilities_are_asked_of_what_is_judged_only(windows):
    X = np.array(windows[:40])
    X[:, :, 1:3] = 1 / (1 + np.exp(-X[:, :, 1:3]))
    ae = network(loss="binary_crossentropy", context_features=[0, 3])
    assert np.isfinite(ae.fit(X).loss_curve_).all()
    with pytest.raises(ValueError, match=r"needs cells in \[0, 1\]"):
        ae.fit(np.asarray(windows[:40]))


def test_a_context_encoder_judges_no_sequence_of_a_context_alone(sequences):
    encoder = ContextEncoder((3, 2), max_epochs=1, context_features=[0, 3])
    X = sequences[20:44].copy()
    X[1][:, ~IS_CONTEXT] = np.nan
    encoder.fit(X)
    error = encoder.reconstruction_error(X)
    assert_array_equal(np.flatnonzero(np.isnan(error)), [1])
    x = X[2][:, [1, 2, 0, 3]]
    code, latent, left = naive.encode(
        encoder.architecture_, encoder.weights_, x, np.ones(5, bool)
    )
    mask = np.ones(5, bool)
    again = naive.decode(encoder.architecture_, left, latent, mask, x[:, 2:])
    assert error[2] == pytest.approx(np.square(again - code).mean(), rel=1e-4)


@pytest.fixture(scope="module")
def committee(sequences):
    members = [("pca", PCAAutoencoder(3)), ("forest", IsolationForest(n_estimators=5))]
    return DetectorCommittee(members, context_features=[0, 3], random_state=0).fit(
        sequences
    )


def test_members_get_the_context_or_do_not_see_it(committee, sequences, tmp_path):
    pca, forest = committee.estimators_
    assert pca.context_features == [0, 3]
    assert forest.n_features_in_ == 2 * sequences.shape[1]
    X = np.asarray(sequences[50:60])
    scores = committee.member_scores(X)
    others = committee.member_scores(with_other_context(X))
    assert_array_equal(scores["forest"], others["forest"])
    assert (scores["pca"] != others["pca"]).any()
    shares = committee.explain(sequences).dropna()
    assert (shares.loc[:, IS_CONTEXT] == 0).all(axis=None)
    loaded = save_and_load(committee, tmp_path, trusted=["sklearn.tree._tree.Tree"])
    assert_array_equal(loaded.score_samples(X), committee.score_samples(X))


def test_a_member_that_has_a_context_of_its_own_keeps_it(windows):
    own = PCAAutoencoder(3, context_features=["mode"])
    committee = DetectorCommittee([("own", own)], context_features=CONTEXT)
    assert committee.fit(windows).estimators_[0].context_features == ["mode"]


def test_a_classifier_passes_the_context_on(table, tmp_path):
    y = np.zeros(len(table), dtype=int)
    y[[40, 90, 200, 230]] = 1
    faulty = table.copy()
    faulty.loc[y == 1, "flow"] += 3
    for detector in (ResidualAutoencoder(network()), IsolationForest(n_estimators=5)):
        model = make_pipeline(
            SlidingWindow(3),
            RareEventClassifier(
                detector,
                context_features=CONTEXT,
                random_state=0,
                validation_fraction=0.4,
            ),
        ).fit(faulty, y)
        kept = model[-1].detector_
        if isinstance(detector, IsolationForest):
            assert kept.n_features_in_ == 2 * 3
        else:
            assert kept.context_features == CONTEXT
            assert kept.network.context_features is None
        other = faulty.assign(mode=1 - faulty["mode"])
        same = np.allclose(
            model.decision_function(faulty), model.decision_function(other)
        )
        assert same == isinstance(detector, IsolationForest)


def test_one_reading_in_one_context_scores_alike_in_any_company(sequences):
    X = np.ascontiguousarray(sequences[4:60, :, :2])
    for model in (network(), ResidualAutoencoder(network()), PCAAutoencoder(2)):
        model.set_params(context_features=[0]).fit(X)
        alone = model.score_samples(X[:3])
        assert_array_equal(model.score_samples(X)[:3], alone)
