# SPDX-License-Identifier: BSD-3-Clause
"""Trainings side by side come to what they come to one after the other."""

import threading
import time
import warnings

import numpy as np
import pytest
from make import sine_table, tiny, windows_of
from numpy.testing import assert_array_equal
from sklearn import config_context, get_config
from sklearn.ensemble import IsolationForest
from sklearn.pipeline import make_pipeline
from threadpoolctl import threadpool_info, threadpool_limits

from skseq import (
    ContextEncoder,
    DetectorCommittee,
    LSTMAutoencoder,
    LSTMClassifier,
    MovingReference,
    PCAAutoencoder,
    RareEventClassifier,
    ResidualAutoencoder,
)
from skseq._warnings import warn, warn_once
from skseq.detection import _classifier, _committee
from skseq.engines import _cores
from skseq.engines._batches import CHUNK, Preparation
from skseq.engines._cores import (
    SharedCores,
    heed_the_main_thread,
    one_thread_of_blas,
    splits_pay,
    usable_threads,
)
from skseq.training import _side_by_side
from skseq.training._loop import NonFiniteLossError
from skseq.training._plan import Plan
from skseq.training._side_by_side import only_trains, side_by_side

ENOUGH = 20  # seconds, for what another thread is to do


def native(**parameters):
    given = {"engine": "native", "max_epochs": 2, "random_state": None}
    return tiny(**given | parameters)


def networks():
    return [
        ("residual", ResidualAutoencoder(native())),
        ("forest", IsolationForest(n_estimators=3, random_state=0)),
        ("lstm", native(error="mahalanobis")),
    ]


@pytest.fixture(params=[1, 3])
def n_cores(request, monkeypatch):
    return give(request.param, monkeypatch)


@pytest.fixture
def cores(monkeypatch):
    return give(3, monkeypatch)


def give(n, monkeypatch):
    monkeypatch.setattr(_cores, "_openmp_effective_n_threads", lambda: n)
    return n


@pytest.fixture
def threads_of_trainings(monkeypatch):
    """Threads in which networks are trained, one for each training."""
    threads, train = [], Plan.train

    def noted(*args, **options):
        threads.append(threading.current_thread())
        return train(*args, **options)

    monkeypatch.setattr(Plan, "train", noted)
    return threads


class BlasThreads(IsolationForest):
    """A detector that notes how many threads a BLAS has while it is fitted."""

    def fit(self, X, y=None):
        self.blas_threads_ = blas_threads()
        return super().fit(X)


def blas_threads():
    blas = [lib for lib in threadpool_info() if lib["user_api"] == "blas"]
    return {lib["num_threads"] for lib in blas}


def labelled_windows():
    table = sine_table()
    y = np.arange(len(table)) % 40 > 37
    table[y] += 4
    return windows_of(table, 6), y


@pytest.mark.parametrize("random_state", [0, None])
def test_a_committee_comes_to_the_same_bits(
    random_state, monkeypatch, threads_of_trainings
):
    X, y = labelled_windows()
    came_to = []
    for n in (1, 3):
        threads_of_trainings.clear()
        give(n, monkeypatch)
        np.random.seed(0)  # noqa: NPY002
        detector = DetectorCommittee(networks(), random_state=random_state).fit(X)
        clf = RareEventClassifier(networks(), random_state=random_state).fit(X, y)
        came_to.append(
            [
                detector.member_scores(X),
                clf.member_scores(X),
                [detector.offset_],
                clf.decision_function(X),
            ]
        )
        in_main = threading.main_thread() in threads_of_trainings
        assert in_main == (n == 1)
    for one, other in zip(*came_to, strict=True):
        assert_array_equal(one, other)


def test_networks_alone_are_trained_in_threads(cores):
    def thread():
        return threading.current_thread()

    first, main, other = side_by_side([thread] * 3, [True, False, True])
    assert main is threading.main_thread()
    assert main not in (first, other)


def test_two_trainings_run_at_the_same_time(cores):
    met = threading.Barrier(2, timeout=ENOUGH)
    assert sorted(side_by_side([met.wait] * 2, [True] * 2)) == [0, 1]


def test_no_more_run_at_a_time_than_there_are_cores(monkeypatch):
    give(2, monkeypatch)
    running, most = [], []

    def run():
        running.append(1)
        most.append(len(running))
        time.sleep(0.01)
        running.pop()

    side_by_side([run] * 6, [True] * 6)
    assert max(most) == 2


def test_what_runs_in_threads_makes_no_further_threads(cores):
    def nested():
        return side_by_side([threading.current_thread] * 2, [True] * 2)

    for inner in side_by_side([nested] * 2, [True] * 2):
        assert len(set(inner)) == 1


def test_mini_batches_are_split_only_where_a_core_is_idle(monkeypatch):
    assert splits_pay()
    give(2, monkeypatch)
    both, one_left = (threading.Barrier(2, timeout=ENOUGH) for _ in range(2))

    def first():
        both.wait()
        assert usable_threads() == 2
        found = splits_pay()
        one_left.wait()
        return found

    def second():
        both.wait()
        one_left.wait()
        return waited_for(splits_pay)

    assert side_by_side([first, second], [True] * 2) == [False, True]


def waited_for(condition):
    end = time.monotonic() + ENOUGH
    while not condition() and time.monotonic() < end:
        time.sleep(0.001)
    return condition()


def test_cores_are_given_back():
    cores = SharedCores(1)
    with cores.one_taken(heed=None):
        assert not splits_pay()
    assert splits_pay()
    assert not cores.are_taken


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_n_jobs_is_obeyed_where_it_is_given(n_jobs, cores, threads_of_trainings):
    X, _ = labelled_windows()
    with_networks = [m for m in networks() if m[0] != "forest"]
    from joblib import parallel_config

    with parallel_config("threading"):  # its threads would be seen
        DetectorCommittee(with_networks, n_jobs=n_jobs, refit=False).fit(X)
    in_main = [t is threading.main_thread() for t in threads_of_trainings]
    assert any(in_main) == (n_jobs == 1)
    assert not any(t.name.startswith("ThreadPool") for t in threads_of_trainings)


@pytest.mark.parametrize("n_jobs", [None, 1])
def test_a_blas_has_one_thread_while_networks_train(n_jobs, n_cores):
    X, _ = labelled_windows()
    with threadpool_limits(2, "blas"):
        own = [("own", BlasThreads(n_estimators=2))]
        one, several = (
            DetectorCommittee(members + own, n_jobs=n_jobs, refit=False).fit(X[:60])
            for members in (networks()[:1], networks())
        )
        before = BlasThreads(n_estimators=2).fit(np.zeros((2, 2))).blas_threads_
    assert several.named_estimators_["own"].blas_threads_ == {1}
    assert one.named_estimators_["own"].blas_threads_ == before


def test_other_threads_than_the_main_one_leave_a_blas_alone():
    found = []

    def noted():
        with one_thread_of_blas():
            found.append(blas_threads())

    with threadpool_limits(2, "blas"):
        thread = threading.Thread(target=noted)
        thread.start()
        thread.join(ENOUGH)
        assert found == [blas_threads()]
        noted()
    assert found[1] == {1}


def test_a_blas_has_one_thread_where_members_are_weighed(monkeypatch):
    found = []

    def noting(function):
        def noted(*args, **options):
            found.append(blas_threads())
            return function(*args, **options)

        return noted

    for module, name in ((_classifier, "decide"), (_committee, "fit_weights")):
        monkeypatch.setattr(module, name, noting(getattr(module, name)))
    members = [("pca", PCAAutoencoder()), ("forest", IsolationForest(n_estimators=3))]
    with threadpool_limits(2, "blas"):
        before = blas_threads()
        RareEventClassifier(members, refit=False).fit(*labelled_windows())
        assert blas_threads() == before
    assert found == [{1}, {1}]


def test_warnings_come_in_order_and_point_at_the_line_of_the_user(n_cores):
    first_warned = threading.Event()

    def slow():
        if n_cores > 1:
            first_warned.wait(ENOUGH)
        warn("slow")
        warn_once("both")

    def quick():
        warn("quick")
        warn_once("both")
        first_warned.set()

    with pytest.warns(UserWarning, match="slow|both|main|quick") as caught:
        side_by_side([slow, lambda: warn("main"), quick], [True, False, True])
    assert [str(w.message) for w in caught] == [
        "slow",
        "both",
        "main",
        "quick",
        "both",
    ]
    assert {w.filename for w in caught} == {__file__}


def test_a_warning_of_a_member_points_at_the_fit_of_the_user(cores, monkeypatch):
    def train_and_warn(plan, *args, **options):
        warn("This network is odd.")
        return train(plan, *args, **options)

    train = Plan.train
    monkeypatch.setattr(Plan, "train", train_and_warn)
    X, _ = labelled_windows()
    with pytest.warns(UserWarning, match="is odd") as caught:
        DetectorCommittee(networks(), refit=False, random_state=0).fit(X)
    assert {w.filename for w in caught} == {__file__}


def test_threads_leave_the_filters_of_warnings_as_they_were(cores):
    inside, left = (threading.Barrier(2, timeout=ENOUGH) for _ in range(2))

    def first():
        with warnings.catch_warnings():
            inside.wait()
        left.wait()

    def second():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            inside.wait()
            left.wait()  # the first one has put back its own

    before = list(warnings.filters)
    side_by_side([first, second], [True] * 2)
    assert warnings.filters == before


def test_threads_see_the_configuration_of_scikit_learn(cores):
    with config_context(working_memory=7):
        seen = side_by_side([lambda: get_config()["working_memory"]] * 2, [True] * 2)
    assert seen == [7, 7]


def endless():
    """What goes on until it is told to end."""
    end = time.monotonic() + ENOUGH
    while time.monotonic() < end:
        heed_the_main_thread()
        time.sleep(0.001)
    return "never told"


def fails(message="It failed."):
    raise ValueError(message)


@pytest.mark.parametrize("k", range(3))
def test_an_error_ends_what_comes_after_it(k, cores):
    train = [True] * 3
    train[k] = False  # it runs in the main thread
    with pytest.raises(ValueError, match="It failed"):
        side_by_side([time.time, fails, endless], train)


def test_the_first_error_of_several_is_raised(n_cores):
    failed = threading.Event()

    def slow():
        if n_cores > 1:
            failed.wait(ENOUGH)
            time.sleep(0.05)
        warn("before the error")
        fails("the first")

    def quick():
        failed.set()
        fails("the second")

    with (
        pytest.warns(UserWarning, match="before the error"),
        pytest.raises(ValueError, match="the first"),
    ):
        side_by_side([slow, quick], [True] * 2)


@pytest.fixture
def ctrl_c(cores, monkeypatch):
    """Press Ctrl-C as soon as an event is set."""
    pressed = threading.Event()
    wait = _side_by_side.wait

    def pressed_or(*args):
        if pressed.is_set():
            pressed.clear()
            raise KeyboardInterrupt
        return wait(*args)

    monkeypatch.setattr(_side_by_side, "wait", pressed_or)
    return pressed


def test_ctrl_c_reaches_trainings_in_threads(ctrl_c):
    def training():
        ctrl_c.set()
        try:
            return endless()
        except KeyboardInterrupt:
            return "kept"

    def other():
        try:
            return endless()
        except KeyboardInterrupt:
            return "kept, too"

    assert side_by_side([other, training], [True] * 2) == ["kept, too", "kept"]


def test_ctrl_c_ends_all_where_a_training_has_nothing_to_keep(ctrl_c):
    def training():
        ctrl_c.set()
        return endless()

    with pytest.raises(KeyboardInterrupt):
        side_by_side([endless, training], [True] * 2)


def test_ctrl_c_that_no_training_heard_ends_the_fit(ctrl_c):
    def deaf():
        ctrl_c.set()
        assert waited_for(lambda: not ctrl_c.is_set())
        time.sleep(0.05)

    with pytest.raises(KeyboardInterrupt):
        side_by_side([deaf, deaf], [True] * 2)


def test_ctrl_c_ends_the_scoring_of_many_windows(ctrl_c):
    windows = windows_of(sine_table(2 * CHUNK), 6)
    chunks = Preparation(np.zeros(3, np.float32)).chunks(windows)
    walked = []

    def score():
        walked.append(next(chunks))
        ctrl_c.set()
        assert waited_for(lambda: not ctrl_c.is_set())
        time.sleep(0.05)
        walked.append(next(chunks))

    with pytest.raises(KeyboardInterrupt):
        side_by_side([score, endless], [True] * 2)
    assert len(walked) == 1


def test_ctrl_c_in_what_runs_in_the_main_thread_ends_the_trainings(cores):
    def interrupted():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        side_by_side([endless, interrupted, endless], [True, False, True])


def test_a_network_that_fails_in_a_thread_leaves_the_committee_as_it_was(cores):
    X, _ = labelled_windows()
    committee = DetectorCommittee(networks(), refit=False, random_state=0).fit(X)
    before = committee.score_samples(X)
    committee.set_params(residual__network__learning_rate=1e30)
    with np.errstate(all="ignore"), pytest.raises(NonFiniteLossError):
        committee.fit(X)
    assert_array_equal(committee.score_samples(X), before)


@pytest.mark.parametrize(
    ("estimator", "expected"),
    [
        (native(), True),
        (LSTMAutoencoder(), True),
        (ResidualAutoencoder(), True),
        (MovingReference(native()), True),
        (LSTMClassifier(), True),
        (native(verbose=1), False),
        (native(n_threads=1), False),
        (tiny(engine="keras"), False),
        (LSTMAutoencoder(cell="gru"), False),
        (LSTMAutoencoder(decoder="conditional"), False),
        (ContextEncoder(), False),
        (PCAAutoencoder(), False),
        (IsolationForest(), False),
        (make_pipeline(native()), False),
        (DetectorCommittee(), False),
    ],
)
def test_networks_are_told_that_may_train_in_a_thread(estimator, expected):
    assert only_trains(estimator) == expected


def test_nobody_is_told_of_epochs_in_a_thread(cores, threads_of_trainings):
    callback = pytest.importorskip("sklearn.callback")
    X, y = labelled_windows()
    members = [*networks(), ("third", native())]
    clf = RareEventClassifier(members, refit=False, random_state=0)
    clf.set_callbacks(callback.ProgressBar())
    clf.fit(X, y)
    assert set(threads_of_trainings) == {threading.main_thread()}
    assert not only_trains(native().set_callbacks(callback.ProgressBar()))
