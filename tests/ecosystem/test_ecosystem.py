# SPDX-License-Identifier: BSD-3-Clause
"""Other libraries, tried for real; a test is skipped where its library is missing."""

import io
import json
import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn import config_context
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import GroupKFold, TimeSeriesSplit, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skseq import (
    EachTimeStep,
    LSTMAutoencoder,
    PCAAutoencoder,
    RareEventClassifier,
    SlidingWindow,
    StreamScorer,
    WindowSummary,
    load,
    pad_sequences,
    save,
    unpad_sequences,
)
from skseq.persistence import trusted_types

# Other libraries warn of each other, and of what is old in themselves.
pytestmark = pytest.mark.filterwarnings("default")


@pytest.fixture(scope="module")
def frame(table):
    X, y = table
    return pd.DataFrame(X, columns=["flow", "level"]), y


@pytest.fixture(scope="module")
def pipeline(frame):
    X, y = frame
    detector = RareEventClassifier(PCAAutoencoder(2), threshold=("quantile", 0.95))
    steps = SlidingWindow(4), EachTimeStep(StandardScaler()), detector
    return make_pipeline(*steps).fit(X[:200], y[:200])


def assert_same_decision(again, model, X):
    assert_allclose(again.decision_function(X), model.decision_function(X))


def test_optuna_searches_a_pipeline(frame):
    optuna = pytest.importorskip("optuna")
    integration = pytest.importorskip("optuna_integration")
    X, y = frame
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    model = make_pipeline(SlidingWindow(4), RareEventClassifier(PCAAutoencoder(2)))
    space = {
        "slidingwindow__window_size": optuna.distributions.IntDistribution(2, 6),
        "rareeventclassifier__detector__n_components": (
            optuna.distributions.IntDistribution(1, 4)
        ),
    }
    search = integration.OptunaSearchCV(
        model, space, cv=TimeSeriesSplit(2), n_trials=3, random_state=0,
        scoring="average_precision",
    ).fit(X, y)  # fmt: skip
    assert 2 <= search.best_params_["slidingwindow__window_size"] <= 6
    assert np.isfinite(search.best_score_)


def test_mlflow_keeps_a_pipeline(pipeline, frame, tmp_path):
    mlflow = pytest.importorskip("mlflow")
    X, _ = frame
    signature = mlflow.models.infer_signature(X, pipeline.predict(X))
    assert [column.name for column in signature.inputs] == ["flow", "level"]
    for settings in (
        {"serialization_format": "skops", "skops_trusted_types": trusted_types()},
        {"serialization_format": "cloudpickle"},
    ):
        path = str(tmp_path / settings["serialization_format"])
        mlflow.sklearn.save_model(pipeline, path, signature=signature, **settings)
        assert_same_decision(mlflow.sklearn.load_model(path), pipeline, X)
        anything = mlflow.pyfunc.load_model(path)
        np.testing.assert_array_equal(anything.predict(X), pipeline.predict(X))


def test_cloudpickle_takes_what_pickle_takes(pipeline, frame):
    cloudpickle = pytest.importorskip("cloudpickle")
    again = pickle.loads(cloudpickle.dumps(pipeline))
    assert_allclose(
        again.decision_function(frame[0]), pipeline.decision_function(frame[0])
    )


def test_skops_names_the_types_of_a_pipeline_and_loads_them(pipeline, frame):
    sio = pytest.importorskip("skops.io")
    content = sio.dumps(pipeline)
    unknown = sio.get_untrusted_types(data=content)
    assert unknown
    assert set(unknown) <= set(trusted_types())
    again = sio.loads(content, trusted=trusted_types())
    assert_allclose(
        again.decision_function(frame[0]), pipeline.decision_function(frame[0])
    )


def test_imbalanced_learn_samples_windows(frame):
    pytest.importorskip("imblearn")
    from imblearn import FunctionSampler
    from imblearn.pipeline import make_pipeline as make_sampling_pipeline
    from imblearn.under_sampling import RandomUnderSampler

    X, y = frame

    def fewer_normal(X, y):
        rng = np.random.default_rng(0)
        normal = rng.permutation(np.flatnonzero(y == 0))[: 3 * int(y.sum())]
        kept = np.sort(np.concatenate([np.flatnonzero(y == 1), normal]))
        return X[kept], y[kept]

    forest = RandomForestClassifier(n_estimators=5, random_state=0)
    sampler = FunctionSampler(func=fewer_normal, validate=False)
    model = make_sampling_pipeline(SlidingWindow(4), sampler, WindowSummary(), forest)
    assert model.fit(X, y).predict_proba(X).shape == (len(X), 2)
    # Of statistics, which are flat rows, its own samplers take what they are given.
    model = make_sampling_pipeline(
        SlidingWindow(4), WindowSummary(), RandomUnderSampler(random_state=0), forest
    )
    assert model.fit(X, y).predict_proba(X).shape == (len(X), 2)


def test_shap_explains_a_classifier_of_window_statistics(frame):
    shap = pytest.importorskip("shap")
    X, y = frame
    forest = RandomForestClassifier(n_estimators=5, random_state=0)
    model = make_pipeline(SlidingWindow(4), WindowSummary(), forest).fit(X, y)
    rows = model[:-1].transform(X)[:20]
    values = shap.TreeExplainer(model[-1]).shap_values(rows)
    told = np.asarray(values)[..., 1]
    base = forest_base(shap, model[-1])
    expected = model[-1].predict_proba(rows)[:, 1]
    assert_allclose(told.sum(axis=1) + base, expected, atol=1e-6)
    names = model[:-1].get_feature_names_out()
    assert len(names) == told.shape[1]


def forest_base(shap, forest):
    return shap.TreeExplainer(forest).expected_value[1]


@pytest.fixture(scope="module")
def sequences():
    return np.random.default_rng(0).normal(size=(30, 5, 2)).astype(np.float32)


def test_sktime_containers_become_sequences_and_back(sequences):
    pytest.importorskip("sktime")
    from sktime.datatypes import check_is_mtype, convert

    numpy3d = sequences.transpose(0, 2, 1)  # instances, channels, time steps
    assert check_is_mtype(numpy3d, "numpy3D", scitype="Panel")
    nested = convert(numpy3d, "numpy3D", "nested_univ", as_scitype="Panel")
    back = convert(nested, "nested_univ", "numpy3D", as_scitype="Panel")
    latent = PCAAutoencoder(2).fit_transform(back.transpose(0, 2, 1))
    assert_allclose(latent, PCAAutoencoder(2).fit_transform(sequences), atol=1e-5)
    multi = convert(numpy3d, "numpy3D", "pd-multiindex", as_scitype="Panel")
    rows = multi.reset_index()
    instance, time = rows.columns[:2]
    windows = SlidingWindow(5, group_by=instance, time=time).fit_transform(rows)
    ends = windows[np.arange(4, len(rows), 5)]
    assert_allclose(np.asarray(ends), sequences, atol=1e-6)


def test_aeon_containers_become_sequences_and_back(sequences):
    pytest.importorskip("aeon")
    from aeon.transformations.collection import Normalizer
    from aeon.utils.conversion import convert_collection

    numpy3d = sequences.transpose(0, 2, 1)  # cases, channels, time points
    pca = PCAAutoencoder(2).fit(numpy3d.transpose(0, 2, 1))
    reconstructed = pca.reconstruct(sequences).transpose(0, 2, 1)
    scaled = Normalizer().fit_transform(np.ascontiguousarray(reconstructed))
    assert scaled.shape == numpy3d.shape
    assert_allclose(scaled.mean(axis=2), 0, atol=1e-5)
    # Of different lengths its container is a list; here NaN is what is not there.
    cases = convert_collection(numpy3d.astype(float), "np-list")
    short = [case[:, : 3 + k % 3] for k, case in enumerate(cases)]
    padded = pad_sequences([case.T for case in short])
    assert np.isnan(padded).all(axis=2).sum(axis=1).tolist() == [2, 1, 0] * 10
    again = [case.T for case in unpad_sequences(padded)]
    assert all(np.allclose(a, b) for a, b in zip(again, short, strict=True))
    assert np.isfinite(pca.score_samples(padded)).all()
    rows = convert_collection(cases, "pd-multiindex").reset_index()
    rows.columns = rows.columns.astype(str)
    windows = SlidingWindow(5, group_by="case", time="timepoint").fit_transform(rows)
    assert_allclose(np.asarray(windows[4::5]), sequences, atol=1e-6)


def test_darts_series_become_tables_and_back(frame):
    darts = pytest.importorskip("darts")
    X, _ = frame
    stamped = X.set_axis(pd.date_range("2026-01-01", periods=len(X), freq="1min"))
    series = darts.TimeSeries.from_dataframe(stamped)
    again = series.to_dataframe()
    model = make_pipeline(SlidingWindow(4), PCAAutoencoder(2)).fit(X)
    names = again.columns.to_list()
    score = model.score_samples(again.reset_index(drop=True)[names])
    assert_allclose(score, model.score_samples(X))
    scores = darts.TimeSeries.from_times_and_values(series.time_index, score)
    assert len(scores) == len(X)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_frames_come_out_where_they_are_asked_for(frame, library):
    wanted = pytest.importorskip(library)
    X, _ = frame
    model = make_pipeline(
        SlidingWindow(4), LSTMAutoencoder((3, 2), max_epochs=1, random_state=0)
    ).set_output(transform=library)
    latent = model.fit_transform(X)
    assert isinstance(latent, wanted.DataFrame)
    assert latent.shape == (len(X), 2)
    statistics = make_pipeline(SlidingWindow(4), WindowSummary())
    out = statistics.set_output(transform=library).fit_transform(X)
    assert isinstance(out, wanted.DataFrame)


def test_pyarrow_tables_go_in_by_pandas(pipeline, frame):
    pa = pytest.importorskip("pyarrow")
    X, _ = frame
    again = pa.Table.from_pandas(X, preserve_index=False).to_pandas()
    assert_allclose(pipeline.decision_function(again), pipeline.decision_function(X))


def test_fastapi_serves_a_stream(pipeline, frame, tmp_path):
    fastapi = pytest.importorskip("fastapi")
    pytest.importorskip("httpx")
    from fastapi.testclient import TestClient

    save(pipeline, tmp_path / "model.skseq")
    stream, app = StreamScorer(load(tmp_path / "model.skseq")), fastapi.FastAPI()

    @app.post("/rows")
    def score(row: dict):
        value = stream.score_one(row)
        return {"score": value, "alarm": bool(stream.is_alarm(value))}

    X, _ = frame
    with TestClient(app) as client:
        told = [
            client.post("/rows", json=row).json() for row in X[:10].to_dict("records")
        ]
    expected = pipeline.decision_function(X[:10])
    assert_allclose([line["score"] for line in told], expected, atol=1e-6)
    assert [line["alarm"] for line in told] == (expected > 0).tolist()


def test_xgboost_is_a_member_of_a_committee(frame):
    xgboost = pytest.importorskip("xgboost")
    X, y = frame
    members = [
        ("pca", PCAAutoencoder(1)),
        ("trees", xgboost.XGBClassifier(n_estimators=5, random_state=0)),
    ]
    model = make_pipeline(
        SlidingWindow(4), RareEventClassifier(members, random_state=0)
    )
    assert set(model.fit(X, y)[-1].weights_.index) == {"pca", "trees"}


def test_groups_are_routed_to_the_splitter(frame):
    X, y = frame
    X, groups = X.to_numpy(), np.repeat([0, 1, 2], 100)
    with config_context(enable_metadata_routing=True):
        model = clone(make_pipeline(SlidingWindow(4), PCAAutoencoder(1)))
        results = cross_validate(
            model, X, y, cv=GroupKFold(3), params={"groups": groups},
            scoring=lambda estimator, X, y: estimator.score_samples(X).mean(),
        )  # fmt: skip
    assert np.isfinite(results["test_score"]).all()


@pytest.mark.parametrize(
    "name", ["layer_by_layer", "machine_temperature", "tennessee_eastman"]
)
def test_examples_become_notebooks_that_run(name, request, tmp_path):
    nbclient = pytest.importorskip("nbclient")
    nbformat = pytest.importorskip("nbformat")
    pytest.importorskip("ipykernel")
    convert = pytest.importorskip("sphinx_gallery.notebook")
    parser = pytest.importorskip("sphinx_gallery.py_source_parser")
    if name in ("machine_temperature", "tennessee_eastman"):
        request.getfixturevalue("public_tables")
    from pathlib import Path

    source = Path(__file__).parents[2] / "examples" / f"plot_{name}.py"
    _, blocks = parser.split_code_and_text_blocks(str(source))
    config = {"notebook_extensions": {".py"}, "promote_jupyter_magic": False}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cells = convert.jupyter_notebook(blocks, config | _GALLERY, str(tmp_path))
    notebook = nbformat.read(io.StringIO(json.dumps(cells)), as_version=4)
    nbclient.NotebookClient(notebook, timeout=120).execute()
    outputs = [o for cell in notebook.cells for o in cell.get("outputs", ())]
    assert any(output["output_type"] == "stream" for output in outputs)
    assert not [o for o in outputs if o.get("name") == "stderr"]


_GALLERY = {
    "pypandoc": False,
    "first_notebook_cell": None,
    "last_notebook_cell": None,
    "notebook_images": False,
}
