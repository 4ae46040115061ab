"""Hidden Markov models fitted from several starts."""

import warnings

import numpy as np

from multiconvex.checks import check_count
from multiconvex.models.latent.hidden_markov import hidden_markov_em, viterbi_training
from multiconvex.models.latent.starts import LatentFactorFit, check_labels, random_labels
from multiconvex.stopping import ConvergenceWarning, RelativeDecrease, warn_unconverged

MARKOV_FITS = {"em": hidden_markov_em, "viterbi": viterbi_training}
_STAY = 0.9


def fit_markov_from_starts(
    emission, rule, *, breaks, n_starts, init, random_state, max_iter, tol, callback
):
    """Fit from parameters that suit random labels, with states that persist; keep the best.

    Returns
    -------
    LatentFactorFit
        ``z`` holds the probabilities of the states, or the one path.
    """
    m, K = emission.n_samples, emission.n_factors
    rng = np.random.default_rng(random_state)
    count = check_count("n_starts", n_starts)
    labels = [] if init is None else [check_labels(init, m, K)]
    labels += [random_labels(m, K, rng) for _ in range(count - len(labels))]
    stay = np.full((K, K), (1.0 - _STAY) / max(K - 1, 1))
    np.fill_diagonal(stay, _STAY if K > 1 else 1.0)
    results = []
    for z in labels:
        theta = emission.fit(z, np.zeros(emission.shape))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            results.append(
                MARKOV_FITS[rule](
                    emission,
                    theta,
                    stay,
                    np.full(K, 1.0 / K),
                    breaks=breaks,
                    pseudo_count=1.0,
                    max_iter=max_iter,
                    tol=tol,
                    callback=callback,
                )
            )
        if results[-1].status == "stopped":
            break
    objectives = np.array([result.objective for result in results])
    best = results[int(objectives.argmin())]
    if best.status == "max_iter" and max_iter > 0 and tol > 0:
        warn_unconverged(RelativeDecrease(tol), max_iter)
    blocks = {**best.blocks, "z": best.blocks["pairs"].sum(axis=1)}
    return LatentFactorFit(
        **{**vars(best), "blocks": blocks},
        parameters=best.blocks["parameters"],
        starts=objectives,
    )
