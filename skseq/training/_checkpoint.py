# SPDX-License-Identifier: BSD-3-Clause
"""What is left of a training that was killed, so that it can go on."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .._files import check_regular, write_atomically

_FORMAT = 1


@dataclass
class State:
    """Where training stands after an epoch."""

    weights: list[np.ndarray]
    optimizer_state: list[np.ndarray]
    best_weights: list[np.ndarray]
    best_epoch: int
    loss_curve: list[float]
    validation_loss_curve: list[float] | None
    random_state: tuple


class Checkpoint:
    """A file that holds the state after the last epoch.

    Parameters
    ----------
    path : str or path-like
    about : dict of str to str
        What the training is of, by the names that an error calls it by. A file of
        another training is refused.
    """

    def __init__(self, path: str | os.PathLike, about: dict[str, str]):
        self._path, self._about = Path(path), about

    def read(self, shapes, max_epochs, *, held_out, first=1) -> State | None:
        """The state in the file, None where there is no file.

        Parameters
        ----------
        shapes : list of tuple of int
            Of the weights.
        max_epochs : int
        held_out : bool
            Whether there is a loss of what was held out.
        first : int, default=1
            The first epoch that may be the best; 0 for the weights of the start.

        Raises
        ------
        ValueError
            If the file is damaged, or of another training.

        OSError
            If it is no regular file.
        """
        from safetensors import SafetensorError, safe_open

        if not check_regular(self._path).exists():
            return None
        try:
            with safe_open(self._path, framework="numpy") as file:
                about = json.loads(file.metadata()["skseq"])
                names = list(file.keys())
                arrays = {name: file.get_tensor(name) for name in names}
            if about["digest"] != _digest(arrays):
                raise ValueError("its arrays are not those that were written")
        except (SafetensorError, KeyError, TypeError, ValueError) as error:
            raise self._unreadable(error) from error
        self._check(about)
        try:
            state = _state(arrays, about["random_state"])
            _check_state(state, shapes, max_epochs, held_out, first)
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            raise self._unreadable(error) from error
        return state

    def _unreadable(self, error):
        return ValueError(
            f"The checkpoint {str(self._path)!r} cannot be read: {error}. Delete it to "
            "train from the start."
        )

    def _check(self, about):
        if about["format"] != _FORMAT:
            raise ValueError(
                f"The checkpoint {str(self._path)!r} has the format {about['format']}, "
                f"this version of skseq reads {_FORMAT}. Delete it to train from the "
                "start."
            )
        for name, value in self._about.items():
            if about["about"].get(name) != value:
                raise ValueError(
                    f"The checkpoint {str(self._path)!r} is of another training: "
                    f"{name} was {about['about'].get(name)}, and is {value}. Give what "
                    "it was to go on, or another 'checkpoint' to train from the start."
                )

    def write(self, state: State) -> None:
        """Put the state into the file, as a whole or not at all."""
        from safetensors.numpy import save

        _, keys, *random_state = state.random_state
        arrays = {
            "best_epoch": np.array(state.best_epoch),
            "loss_curve": np.array(state.loss_curve),
            "random_keys": keys,
        }
        if state.validation_loss_curve is not None:
            arrays["validation_loss_curve"] = np.array(state.validation_loss_curve)
        for name, parts in (
            ("weight", state.weights),
            ("optimizer", state.optimizer_state),
            ("best_weight", state.best_weights),
        ):
            arrays |= {f"{name}_{k}": part for k, part in enumerate(parts)}
        # A view would be written in the order of its memory.
        arrays = {name: np.array(part, order="C") for name, part in arrays.items()}
        about = {
            "format": _FORMAT,
            "about": self._about,
            "random_state": random_state,
            "digest": _digest(arrays),
        }
        write_atomically(self._path, save(arrays, {"skseq": json.dumps(about)}))


def _state(arrays, random_state):
    curve = arrays.get("validation_loss_curve")
    return State(
        _numbered(arrays, "weight"),
        _numbered(arrays, "optimizer"),
        _numbered(arrays, "best_weight"),
        best_epoch=int(arrays["best_epoch"]),
        loss_curve=arrays["loss_curve"].tolist(),
        validation_loss_curve=None if curve is None else curve.tolist(),
        random_state=("MT19937", arrays["random_keys"], *random_state),
    )


def _check_state(state, shapes, max_epochs, held_out, first):
    """Raise a ValueError where no training of these weights can have come to this.

    The digest tells a damaged file, not one that somebody made up: what does not fit
    would be read beyond its end.
    """
    expected = {
        "weights": (state.weights, shapes),
        "best_weights": (state.best_weights, shapes),
        "optimizer_state": (state.optimizer_state, [(), *shapes, *shapes]),
    }
    for name, (arrays, of_shape) in expected.items():
        found = [array.shape for array in arrays]
        if found != list(map(tuple, of_shape)):
            raise ValueError(f"its {name} have the shapes {found}, not {of_shape}")
        if not all(a.dtype.kind in "fiu" and np.isfinite(a).all() for a in arrays):
            raise ValueError(f"its {name} are not all finite numbers")
    curves = [state.loss_curve]
    n_epochs = len(state.loss_curve)
    if (state.validation_loss_curve is not None) != held_out:
        raise ValueError("its curves are not those of this training")
    curves += [state.validation_loss_curve] if held_out else []
    if not 1 <= n_epochs <= max_epochs or not first <= state.best_epoch <= n_epochs:
        raise ValueError(
            f"it is of {n_epochs} epochs, the best of them {state.best_epoch}, of at "
            f"most {max_epochs}"
        )
    if any(len(c) != n_epochs or not np.isfinite(c).all() for c in curves):
        raise ValueError("a loss is missing or not finite")
    _, keys, position, has_gauss, gauss = state.random_state
    if keys.dtype != np.uint32 or keys.shape != (624,) or not 0 <= position <= 624:
        raise ValueError("its random numbers are no state of a generator")
    if has_gauss not in (0, 1) or not np.isfinite(gauss):
        raise ValueError("its random numbers are no state of a generator")


def _numbered(arrays, name):
    count = sum(key.rpartition("_")[0] == name for key in arrays)
    return [arrays[f"{name}_{k}"] for k in range(count)]


def _digest(arrays):
    digest = hashlib.sha256()
    for name in sorted(arrays):
        digest.update(f"{name}{arrays[name].dtype}{arrays[name].shape}".encode())
        digest.update(arrays[name].tobytes())
    return digest.hexdigest()


def digest_of(*arrays) -> str:
    """A number that tells data from other data; None stands for itself."""
    named = {f"{k}": a for k, a in enumerate(arrays) if a is not None}
    return _digest(named)[:16]
