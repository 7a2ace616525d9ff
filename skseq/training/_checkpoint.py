# SPDX-License-Identifier: BSD-3-Clause
"""What is left of a training that was killed, so that it can go on."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .._files import write_atomically

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

    def read(self) -> State | None:
        """The state in the file, None where there is no file.

        Raises
        ------
        ValueError
            If the file is damaged, or of another training.
        """
        from safetensors import SafetensorError, safe_open

        if not self._path.exists():
            return None
        try:
            with safe_open(self._path, framework="numpy") as file:
                about = json.loads(file.metadata()["skseq"])
                names = list(file.keys())
                arrays = {name: file.get_tensor(name) for name in names}
            if about["digest"] != _digest(arrays):
                raise ValueError("its arrays are not those that were written")
        except (SafetensorError, KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"The checkpoint {str(self._path)!r} cannot be read: {error}. Delete "
                "it to train from the start."
            ) from error
        self._check(about)
        curve = arrays.get("validation_loss_curve")
        return State(
            _numbered(arrays, "weight"),
            _numbered(arrays, "optimizer"),
            _numbered(arrays, "best_weight"),
            best_epoch=int(arrays["best_epoch"]),
            loss_curve=arrays["loss_curve"].tolist(),
            validation_loss_curve=None if curve is None else curve.tolist(),
            random_state=("MT19937", arrays["random_keys"], *about["random_state"]),
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
