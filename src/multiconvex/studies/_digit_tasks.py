"""Ten digits against the rest, two of them with few samples."""

import numpy as np
from sklearn.datasets import load_digits

from multiconvex.models.grouped_logistic import grouped_logistic
from multiconvex.models.task_folds import deal_tasks, labelled_tasks
from multiconvex.models.task_groups import learn_task_groups
from multiconvex.studies._task_methods import METHODS, as_row, held_out_loss

_AXES = 20
_RIDGES = (0.03, 0.3, 3.0)
_SHARES = (0.02, 0.2)


def compare_digits(seeds=5, n_samples=20, few=4, n_groups=3, n_inner=30, max_iter=10):
    """Compare single digits, one group and learned groups, penalties chosen on halves.

    Digits are the bundled 8 x 8 images in their first 20 principal axes. All weights of penalties
    are chosen on halves of the training samples; accuracy is that of the largest log-odds.
    """
    images, truth = load_digits(return_X_y=True)
    found = {method: [] for method in METHODS[:3]}
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        poor = rng.permutation(10)[:2]
        counts = np.where(np.isin(np.arange(10), poor), few, n_samples)
        shuffled = rng.permutation(len(truth))
        chosen = np.concatenate(
            [shuffled[truth[shuffled] == digit][:count] for digit, count in enumerate(counts)]
        )
        centred = images - images[chosen].mean(axis=0)
        axes = np.linalg.svd(centred[chosen], full_matrices=False)[2][:_AXES]
        features = centred @ axes.T / np.std(centred[chosen] @ axes.T)
        tasks = (truth[chosen] == np.arange(10)[:, None]).astype(float)
        fits = _fit(features[chosen], tasks, n_groups, seed, n_inner, max_iter)
        tested = np.setdiff1d(np.arange(len(truth)), chosen)
        rare = np.isin(truth[tested], poor)
        for method, fit in fits.items():
            odds = features[tested] @ fit.coef.T + fit.intercept
            right = odds.argmax(axis=1) == truth[tested]
            found[method].append((right.mean(), right[rare].mean()))
    return [as_row(method, np.array(values)) for method, values in found.items()]


def _fit(X, Y, n_groups, seed, n_inner, max_iter):
    deals = deal_tasks(X, Y, 2, np.random.default_rng(seed))
    lam, ridge = labelled_tasks(*deals[0][0], "auto", "auto")[1:]
    alone = min(
        ({"lam": 0.0, "ridge": ridge * factor} for factor in _RIDGES),
        key=lambda options: held_out_loss(deals, options),
    )
    grid = [{"lam": lam * share, "ridge": alone["ridge"]} for share in _SHARES]
    one = min(grid, key=lambda options: held_out_loss(deals, options))
    learned = [
        learn_task_groups(
            X, Y, n_groups, n_inner=n_inner, max_iter=max_iter, random_state=seed, **options
        )
        for options in grid
    ]
    fits = [
        grouped_logistic(X, Y, tol=0.01, **alone),
        grouped_logistic(X, Y, tol=0.01, **one),
        min(learned, key=lambda fit: fit.objective),
    ]
    return dict(zip(METHODS, fits))
