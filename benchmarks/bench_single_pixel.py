"""Split-Hadamard measurements against the package of the field, and unmixing from counts."""

import time
from functools import partial

import numpy as np
from harness import Case, Limit

from multiconvex import SplitHadamard2D, measured_nmf
from multiconvex.datasets import load_cat, make_filtered_scene

_PEER = "spyrit"
_INSTALL = "python -m pip install spyrit"
_CALLS = 200  # A turn begins with empty caches, which few calls of ten microseconds would fill.


def cameras(n, count):
    """Both cameras, images in single precision, and measurements of each."""
    import torch
    from spyrit.core.meas import HadamSplit2d

    torch.set_num_threads(1)
    images = np.random.default_rng(0).random((count, n, n), dtype=np.float32)
    ours, theirs, tensor = SplitHadamard2D(n), HadamSplit2d(n), torch.from_numpy(images)
    return ours, theirs, images, tensor, ours.forward(images), theirs(tensor)


def forward(data):
    return data[0].forward(data[2])


def peer_forward(data):
    return data[1](data[3])


def pinv(data):
    return data[0].pinv(data[4])


def peer_pinv(data):
    counts = data[5]
    return data[1].fast_pinv(counts[..., 0::2] - counts[..., 1::2])


def adjoint(data):
    return data[0].adjoint(data[4])


def peer_adjoint(data):
    return data[1].adjoint(data[5])


def image_gap(ours, peer):
    """Largest difference of images relative to the largest pixel."""
    peer = np.asarray(peer).reshape(ours.shape)
    return float(np.abs(ours - peer).max() / np.abs(peer).max())


def count_gap(ours, peer):
    """The same for sorted measurements, whose order differs."""
    return image_gap(np.sort(ours, axis=None), np.sort(np.asarray(peer), axis=None))


def against_spyrit(name, n, count, ours, peer, gap, target, **calls):
    return Case(
        name=f"split Hadamard {name}, {count} of {n} x {n}, single precision",
        setup=partial(cameras, n, count),
        ours=ours,
        peer=peer,
        gap=gap,
        largest_gap=1e-3,
        target=target,
        peer_name=_PEER,
        needs={_PEER: _INSTALL},
        **calls,
    )


def seconds_of_unmixing():
    scene = make_filtered_scene(load_cat(64).image, bands=128)
    camera = SplitHadamard2D(64)
    counts = camera.acquire(np.moveaxis(scene.cube, 2, 0), gain=10.0, random_state=0)
    Y = np.ascontiguousarray(counts.reshape(128, -1).T)
    options = {"gain": 10.0, "tol": 0.0, "random_state": 0}
    measured_nmf(Y, camera.as_linear_operator(), 2, max_iter=1, **options)
    start = time.perf_counter()
    measured_nmf(Y, camera.as_linear_operator(), 2, max_iter=60, **options)
    return time.perf_counter() - start


CASES = (
    *(
        against_spyrit(name, n, 1, ours, peer, gap, target=6, calls=_CALLS, repetitions=25)
        for n in (64, 128)
        for name, ours, peer, gap in (
            ("forward", forward, peer_forward, count_gap),
            ("pseudo-inverse", pinv, peer_pinv, image_gap),
        )
    ),
    against_spyrit("adjoint (dense)", 64, 64, adjoint, peer_adjoint, image_gap, 300, peer_calls=1),
    Limit(
        "reconstruction and unmixing, 64 x 64 x 128, 60 sweeps",
        seconds_of_unmixing,
        target=10,
        repetitions=3,
    ),
)
