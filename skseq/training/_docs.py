# SPDX-License-Identifier: BSD-3-Clause
"""What the docstrings of all network estimators say alike, once."""

from inspect import cleandoc

CELLS = """
    cell : {"lstm", "gru"}, default="lstm"
        Kind of the recurrent layers.

    bidirectional : bool, default=False
        Whether each layer reads in both directions, with ``units`` for each.

    activation : {"tanh", "relu", "linear"}, default="tanh"
        Activation of the cells.

    dropout : float, default=0.0
        Share of the outputs of each layer that is dropped in training.

    recurrent_dropout : float, default=0.0
        Share of the states that is dropped on their way to the next step in training.

    l2 : float, default=0.0
        Weight of the penalty on the squared kernels of the recurrent layers.

    input_noise : float, default=0.0
        Standard deviation of the normal noise that is added to the input in training,
        in units of ``X``: a denoising network.

    add_missing_indicator : bool, default=False
        Whether the network is told which cells are missing, as further inputs.
"""

CONTEXT = """
    context_features : array-like of str, int or bool, default=None
        Names, indices or a mask of the features that explain and are not judged: set
        points, commands, modes, the weather. They are inputs at each step, of a decoder
        too, which so need not learn them from the latent vector; they are in no target,
        no error and no attribution. None for none.
"""

TRAINING = """
    learning_rate : float, default=1e-3
        Step size of Adam.

    global_clipnorm : float, default=None
        Length above which the gradient is scaled down to it. None for no limit.

    batch_size : int, default=64
        Sequences in a mini-batch.

    max_epochs : int, default=50
        Number of epochs, at the most.

    max_samples : "auto", int, float or None, default="auto"
        Sequences that an epoch sees, at the most: so many, or a share of all, drawn
        anew for each epoch, so that its time does not grow with their number. Nor does
        that of the loss after it, which is told by as many of those held out, at even
        distances, and by 2048 at the most where the sequences are their own targets.
        "auto" is 16384, None all of them.

    early_stopping : bool, default=True
        Whether to hold out a part, stop when its loss no longer improves, and keep the
        weights of the best epoch. If False, all ``max_epochs`` are run on all
        sequences.

    refit : bool, default=False
        Whether, after ``early_stopping``, to train again on all sequences for the best
        number of epochs: what is normal drifts, and the last part of a table tells most
        of what comes next. The curves stay those of the first training.

    validation_fraction : float, default=0.1
        Share to hold out. Windows that share rows with it are set aside.

    <VALIDATION>

    n_iter_no_change : int, default=5
        Epochs without improvement after which training stops.

    tol : float, default=1e-3
        Least decrease of the validation loss that counts as an improvement, as a share
        of the least loss before.
"""

RUNNING = """
    engine : {"auto", "keras", "native"}, default="auto"
        What trains and runs the network: Keras, or this package's compiled CPU kernels,
        which give the same to rounding, sooner. "auto" is native where the kernels were
        built and support the network, unless Keras is loaded and has a GPU, and a
        mini-batch is work enough for it: a billion multiplications forward, such as
        256 windows of 20 steps in layers of 128 and 64 units.

    n_threads : int, default=None
        Threads over which the native engine splits a large mini-batch, or sequences to
        score. It does not change the result. None is as many as scikit-learn's own
        compiled loops take: the cores that this process may use, or what joblib sets as
        ``OMP_NUM_THREADS`` in its workers. It is one in any thread but the main one, as
        in the workers of Dask. The networks of a committee share these threads: they
        are trained side by side.

    checkpoint : str or path-like, default=None
        File that training writes its state to after each epoch, and goes on from where
        it is found: a fit that was killed, started again with the same data and
        parameters, ends with the same weights. The file is left when training is done.

    warm_start : bool, default=False
        Whether ``fit`` goes on from the weights of the fit before.

    verbose : int, default=0
        If positive, print a progress bar for each epoch.

    random_state : int, RandomState instance or None, default=None
        Seeds the initial weights and the order of the mini-batches.
"""

SCORES = """
    score_on : {"mean", "recent", "last", "max"}, default="mean"
        Which steps count in the error of a sequence: all alike, later ones more (the
        k-th of n steps by ``k ** 2``), the last one, or the one with the largest error.

    contamination : "auto", float or tuple, default="auto"
        What sets ``offset_``. A float, in (0, 0.5], is the share of all training
        sequences that are to count as outliers. "auto" lets 1% of the held-out
        sequences be outliers (of the training sequences, where none are held out), but
        sets ``offset_`` no further out than six standard deviations of the logarithms
        of the errors, by their quartiles: held-out events must not hide later ones. On
        the same, ``("quantile", q)`` lets a share of ``1 - q`` be outliers, and
        ``("pot", q)`` sets the offset by peaks over threshold, at a risk of q. From n
        sequences no share below ``1 / (n + 1)`` can be told: hold out 100 or more for
        1%, and of windows that overlap some times as many.
"""

FITTED = """
    architecture_ : Architecture
        Description of the network.

    weights_ : list of ndarray
        In the order of ``keras.Model.get_weights()``.

    optimizer_state_ : list of ndarray
        Step count and moments of Adam, with which a training goes on.

    feature_means_ : ndarray of shape (n_features,)
        Training means, which stand for missing values on the way into the network.

    engine_ : {"keras", "native"}
        What trained the network, and runs it.

    loss_curve_ : list of float
        Training loss of each epoch.

    validation_loss_curve_ : list of float or None
        Loss of the held-out sequences after each epoch.

    best_epoch_ : int
        Epoch, counted from 1, whose weights are kept.

    n_iter_ : int
        Number of epochs run.

    max_samples_ : int
        Sequences that an epoch sees, at the most.

    <HELD_OUT>
"""

JUDGED = """
    is_context_ : ndarray of bool of shape (n_features,) or None
        Mask of the ``context_features``.

    error_rule_ : ErrorRule or str
        The error of a cell: what was learned of errors, or the name of a loss.

    score_on_ : str
        Which steps count in the error of a sequence.

    offset_ : float
        Score below which a sequence counts as an outlier.
"""

SEEN = """
    n_features_in_ : int
        Number of features; of time steps where ``X`` was 2-D.

    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the features, where the input has them.

    sequence_shape_ : tuple of two int
        ``(n_timesteps, n_features)`` of the training sequences.

    model_ : keras.Model
        The network as a Keras model, made when asked for. It knows nothing of padding
        and missing values: give it sequences without NaN.
"""


HELD_OUT = """
    validation_ : dict or None
        What was held out, None for nothing: "how" ("time", "series", "random" or
        "splitter"), the number of windows that were set aside, and those of windows,
        series and events (None without labels) in the parts "training" and "held_out".
"""

VALIDATION = """
    validation : {"auto", "time", "series"} or splitter, default="auto"
        What is held out: the end of each series ("time"), whole series ("series"), or
        the first test part of a splitter with ``split`` and ``get_n_splits``, as those
        of scikit-learn. "auto" is "time", unless series are so short that little would
        be left between the parts, or their ends hold other labels than the rest: then
        "series". An array is one series; :class:`LSTMClassifier` and
        :class:`LSTMRegressor` draw from it at random under "auto".
"""

# Those that stand in others come last.
_BLOCKS = (
    "CELLS",
    "CONTEXT",
    "TRAINING",
    "RUNNING",
    "SCORES",
    "FITTED",
    "JUDGED",
    "SEEN",
)
_BLOCKS += ("HELD_OUT", "VALIDATION")


def with_docs(cls):
    """Put the blocks above in the place of ``<CELLS>`` and their like."""
    text = cleandoc(cls.__doc__)  # as the compiler of Python 3.13 leaves it
    for name in _BLOCKS:
        text = text.replace(f"<{name}>", cleandoc(globals()[name]))
    cls.__doc__ = text
    return cls
