"""A split-Hadamard camera equals its dense matrix, its adjoint, its Gram matrix, its inverse."""

import numpy as np
import pytest
import scipy.linalg
import scipy.sparse.linalg

from multiconvex import SplitHadamard2D, coarse_patterns, hadamard_transform

N = 8


def cameras(n=N):
    rng = np.random.default_rng(0)
    without_ones = rng.random((n, n)) < 0.5
    without_ones[0, 0] = False
    return [
        SplitHadamard2D(n),
        SplitHadamard2D(n, order="natural"),
        SplitHadamard2D(n, shown=coarse_patterns(n, 0.3)),
        SplitHadamard2D(n, order="natural", shown=coarse_patterns(n, 0.4, order="natural")),
        SplitHadamard2D(n, shown=without_ones),
        SplitHadamard2D(n, shown=np.eye(n, dtype=bool)),
    ]


def dense(camera):
    """The matrix, from its definition: positive and negative parts of Kronecker products."""
    H = scipy.linalg.hadamard(camera.n).astype(float)
    if camera.order == "sequency":
        H = H[np.argsort(np.count_nonzero(np.diff(H, axis=1), axis=1))]
    patterns = np.kron(H, H) * camera.shown.reshape(-1, 1)
    return np.vstack([np.maximum(patterns, 0.0), np.maximum(-patterns, 0.0)])


@pytest.fixture(params=range(6))
def camera(request):
    return cameras()[request.param]


def test_forward_is_the_dense_matrix(camera):
    images = np.random.default_rng(1).standard_normal((3, 2, N, N))
    measured = camera.forward(images)
    assert measured.shape == (3, 2, 2, N, N)
    expected = images.reshape(6, -1) @ dense(camera).T
    np.testing.assert_allclose(measured.reshape(6, -1), expected, atol=1e-12)


def test_adjoint_is_its_transpose(camera):
    rng = np.random.default_rng(2)
    measured = rng.standard_normal((4, 2, N, N))
    expected = measured.reshape(4, -1) @ dense(camera)
    np.testing.assert_allclose(camera.adjoint(measured).reshape(4, -1), expected, atol=1e-11)


def test_gram_is_adjoint_after_forward(camera):
    images = np.random.default_rng(3).standard_normal((2, N, N))
    twice = camera.adjoint(camera.forward(images))
    np.testing.assert_allclose(camera.gram(images), twice, atol=1e-10)


def test_pinv_is_the_pseudo_inverse(camera):
    measured = np.random.default_rng(4).standard_normal((3, 2, N, N))
    expected = measured.reshape(3, -1) @ np.linalg.pinv(dense(camera)).T
    np.testing.assert_allclose(camera.pinv(measured).reshape(3, -1), expected, atol=1e-12)


def test_identities_of_all_patterns():
    A, pixels = dense(SplitHadamard2D(N)), N * N
    ones = np.ones((pixels, pixels))
    np.testing.assert_allclose(A.T @ A, pixels / 2 * (np.eye(pixels) + ones))
    left = 2 / pixels * (np.eye(pixels) - ones / (pixels + 1)) @ A.T
    measured = np.random.default_rng(5).random((2, N, N))
    found = SplitHadamard2D(N).pinv(measured).ravel()
    np.testing.assert_allclose(found, left @ measured.ravel(), atol=1e-13)


def test_inverse_of_the_positive_part_alone():
    """Two forms that the literature states, and the one it misprints."""
    n = 16
    H = scipy.linalg.hadamard(n).astype(float)
    e = np.eye(n)[0]
    inverse = (2 * np.eye(n) - np.outer(e, np.ones(n))) @ H.T / n
    np.testing.assert_allclose(inverse @ np.maximum(H, 0), np.eye(n), atol=1e-12)
    np.testing.assert_allclose(inverse, 2 / n * H.T - np.outer(e, e), atol=1e-12)
    assert np.abs(inverse - (2 * H.T - np.outer(e, e)) / n).max() > 0.5


@pytest.mark.parametrize("order", ["natural", "sequency"])
def test_patterns_are_the_signs_of_the_rows(order):
    camera = SplitHadamard2D(4, order=order)
    A = dense(camera)
    np.testing.assert_array_equal(camera.patterns().reshape(16, 16), A[:16] - A[16:])


@pytest.mark.parametrize("n", [1, 2, 16, 64])
def test_other_sizes(n):
    camera, rng = SplitHadamard2D(n), np.random.default_rng(n)
    x, y = rng.standard_normal((n, n)), rng.standard_normal((2, n, n))
    np.testing.assert_allclose(
        np.vdot(camera.forward(x), y), np.vdot(x, camera.adjoint(y)), rtol=1e-10, atol=1e-10
    )
    np.testing.assert_allclose(camera.pinv(camera.forward(x)), x, atol=1e-12 * n)


def test_single_precision_survives_a_large_image():
    """The formula as usually written subtracts two large numbers and keeps few digits."""
    n = 256
    image = np.random.default_rng(6).random((n, n)).astype(np.float32)
    camera = SplitHadamard2D(n)
    measured = camera.forward(image)
    assert measured.dtype == np.float32
    back = camera.pinv(measured)
    assert back.dtype == np.float32
    assert np.abs(back - image).max() < 1e-4
    adjoint = camera.adjoint(measured)
    usual = (adjoint - adjoint.sum(dtype=np.float32) / np.float32(n * n + 1)) * np.float32(2 / n**2)
    assert np.abs(usual - image).max() > 20 * np.abs(back - image).max()


def test_the_linear_operator_is_the_same_map(camera):
    operator, A = camera.as_linear_operator(), dense(camera)
    rng = np.random.default_rng(7)
    X, Y = rng.standard_normal((N * N, 3)), rng.standard_normal((2 * N * N, 3))
    np.testing.assert_allclose(operator @ X, A @ X, atol=1e-12)
    np.testing.assert_allclose(operator.T @ Y, A.T @ Y, atol=1e-11)
    np.testing.assert_allclose(operator @ X[:, 0], A @ X[:, 0], atol=1e-12)
    np.testing.assert_allclose(operator.H @ Y[:, 0], A.T @ Y[:, 0], atol=1e-11)


def test_the_gram_bound_is_one_and_is_tight(camera):
    scale, omega = camera.as_linear_operator().gram_bound
    A = dense(camera)
    bound = scale * (np.eye(N * N) + omega * np.ones((N * N, N * N)))
    lowest = np.linalg.eigvalsh(bound - A.T @ A)[0]
    assert abs(lowest) < 1e-10 * scale


def test_a_solver_of_scipy_uses_it():
    camera = SplitHadamard2D(16)
    image = np.random.default_rng(8).random((16, 16))
    solved = scipy.sparse.linalg.lsqr(
        camera.as_linear_operator(), camera.forward(image).ravel(), atol=1e-14, btol=1e-14
    )[0]
    np.testing.assert_allclose(solved, image.ravel(), atol=1e-8)


def test_coarse_patterns_are_the_smoothest():
    shown = coarse_patterns(16, 0.25)
    assert shown.sum() == 64
    changes = np.add.outer(np.arange(16), np.arange(16))
    assert changes[shown].max() <= changes[~shown].min()
    natural = coarse_patterns(16, 0.25, order="natural")
    image = np.random.default_rng(9).random((16, 16))
    views = [
        SplitHadamard2D(16, order=order, shown=mask)
        for order, mask in (("sequency", shown), ("natural", natural))
    ]
    first, second = (view.pinv(view.forward(image)) for view in views)
    np.testing.assert_allclose(first, second, atol=1e-12)
    assert coarse_patterns(8, 1.0).all()


class TestCounts:
    def test_are_poisson_with_the_stated_means(self):
        camera, image = SplitHadamard2D(2), np.array([[0.1, 0.4], [0.2, 0.9]])
        rng = np.random.default_rng(10)
        draws = np.array(
            [camera.acquire(image, gain=20.0, dark=3.0, random_state=rng) for _ in range(4000)]
        )
        means = 20.0 * camera.forward(image) + 3.0
        error = 5 * np.sqrt(means / len(draws))
        assert np.all(np.abs(draws.mean(axis=0) - means) < error)
        np.testing.assert_allclose(draws.var(axis=0), means, rtol=0.15)
        np.testing.assert_array_equal(draws, np.round(draws))

    def test_the_negative_of_ones_sees_the_dark_current_only(self):
        camera, image = SplitHadamard2D(4), np.ones((500, 4, 4))
        counts = camera.acquire(image, gain=1e6, dark=7.0, random_state=0)
        assert abs(counts[:, 1, 0, 0].mean() - 7.0) < 5 * np.sqrt(7.0 / 500)

    def test_patterns_that_are_not_shown_count_nothing(self):
        camera = SplitHadamard2D(4, shown=coarse_patterns(4, 0.5))
        counts = camera.acquire(np.ones((4, 4)), dark=9.0, random_state=0)
        assert not counts[:, ~camera.shown].any()
        assert counts[:, camera.shown].mean() > 9.0

    def test_the_inverse_is_unbiased(self):
        camera, image = SplitHadamard2D(4), np.random.default_rng(11).random((4, 4))
        counts = camera.acquire(
            np.broadcast_to(image, (4000, 4, 4)), gain=5.0, random_state=np.random.default_rng(12)
        )
        estimates = camera.pinv(counts) / 5.0
        error = estimates.std(axis=0) / np.sqrt(4000)
        assert np.all(np.abs(estimates.mean(axis=0) - image) < 5 * error)

    def test_same_seed_same_counts(self):
        camera = SplitHadamard2D(4)
        first, second = (camera.acquire(np.ones((4, 4)), random_state=3) for _ in range(2))
        np.testing.assert_array_equal(first, second)


def test_inputs_are_never_written_to_and_may_be_integers(camera):
    image = np.random.default_rng(13).integers(0, 9, (N, N))
    image.flags.writeable = False
    measured = camera.forward(image)
    measured.flags.writeable = False
    for result in (camera.gram(image), camera.adjoint(measured), camera.pinv(measured)):
        assert np.isfinite(result).all()
    np.testing.assert_array_equal(
        camera.forward(image[::-1, ::-1].T), camera.forward(image[::-1, ::-1].T.copy())
    )


def test_refusals():
    with pytest.raises(ValueError, match="n must be a power of two, got 12"):
        SplitHadamard2D(12)
    with pytest.raises(ValueError, match="order must be one of 'natural', 'sequency'"):
        SplitHadamard2D(4, order="walsh")
    with pytest.raises(ValueError, match=r"shown must be a boolean array of shape \(4, 4\)"):
        SplitHadamard2D(4, shown=np.ones((4, 4)))
    camera = SplitHadamard2D(4)
    with pytest.raises(ValueError, match=r"images must have shape \(..., 4, 4\), got \(4, 8\)"):
        camera.forward(np.ones((4, 8)))
    with pytest.raises(ValueError, match=r"measurements must have shape \(..., 2, 4, 4\)"):
        camera.pinv(np.ones((4, 4)))
    with pytest.raises(ValueError, match="NaN or infinite"):
        camera.forward(np.full((4, 4), np.nan))
    with pytest.raises(ValueError, match="images must be nonnegative"):
        camera.acquire(-np.ones((4, 4)))
    with pytest.raises(ValueError, match="gain must be a finite positive number"):
        camera.acquire(np.ones((4, 4)), gain=0.0)
    with pytest.raises(ValueError, match=r"rate must lie in \(0, 1\], got 0"):
        coarse_patterns(4, 0)


def test_names_are_found_in_the_room_too():
    from multiconvex import operators

    assert operators.SplitHadamard2D is SplitHadamard2D
    assert operators.hadamard_transform is hadamard_transform
    assert set(operators.__all__) <= set(dir(operators))
    with pytest.raises(AttributeError, match="no attribute 'Radon'"):
        _ = operators.Radon
