"""Hidden Markov models fitted from several starts."""

from functools import partial

import numpy as np

from multiconvex.models.latent.hidden_markov import hidden_markov_em, viterbi_training
from multiconvex.models.latent.starts import LatentFactorFit, draw_starts, random_labels
from multiconvex.models.multistart import best_of_starts

MARKOV_FITS = {"em": hidden_markov_em, "viterbi": viterbi_training}
_STAY = 0.9


def fit_markov_from_starts(
    emission, rule, *, breaks, n_starts, init, random_state, max_iter, tol, n_jobs, callback
):
    """Fit from parameters that suit random labels, with states that persist; keep the best.

    Returns
    -------
    LatentFactorFit
        ``z`` holds the probabilities of the states, or the one path.
    """

    def draw(number, rng):
        return random_labels(emission.n_samples, emission.n_factors, rng)

    starts = draw_starts(emission, draw, n_starts=n_starts, init=init, random_state=random_state)
    options = {"breaks": breaks, "max_iter": max_iter, "tol": tol, "callback": callback}
    run = partial(_fit_once, emission, rule, options)
    best, objectives = best_of_starts(run, starts, max_iter=max_iter, tol=tol, n_jobs=n_jobs)
    blocks = {**best.blocks, "z": best.blocks["pairs"].sum(axis=1)}
    return LatentFactorFit(
        **{**vars(best), "blocks": blocks},
        parameters=best.blocks["parameters"],
        starts=objectives,
    )


def _fit_once(emission, rule, options, z):
    K = emission.n_factors
    stay = np.full((K, K), (1.0 - _STAY) / max(K - 1, 1))
    np.fill_diagonal(stay, _STAY if K > 1 else 1.0)
    theta = emission.fit(z, np.zeros(emission.shape))
    initial = np.full(K, 1.0 / K)
    return MARKOV_FITS[rule](emission, theta, stay, initial, pseudo_count=1.0, **options)
