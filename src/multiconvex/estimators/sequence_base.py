"""What the estimators of choices in sequence share."""

from dataclasses import dataclass, replace

import numpy as np

from multiconvex.chain_kernels import forward_backward, forward_predict, sequence_bounds
from multiconvex.chains import IndependentLabels, KLSmoothness
from multiconvex.checks import check_count, check_option
from multiconvex.diagnostics import transition_matrix
from multiconvex.estimators.factorizations import as_generator
from multiconvex.estimators.latent_base import LatentFactorEstimator
from multiconvex.models.latent.chain_fits import MARKOV_FITS, fit_markov_from_starts
from multiconvex.models.latent.likelihood import label_weights


@dataclass(eq=False, repr=False, kw_only=True)
class SequenceEstimator(LatentFactorEstimator):
    """Connected labels, and the prediction of each trial from those before it."""

    factor_penalty: object = KLSmoothness(1.0)
    inference: str = "labels"

    def select(self, K_range, *data, breaks=(), criterion="heldout", folds=5):
        check_option("inference", self.inference, ("labels", *MARKOV_FITS))
        if self.inference != "labels":
            raise ValueError(
                f'select compares fits of labels, got inference="{self.inference}": set '
                'inference="labels", or compare score on other sessions.'
            )
        sequences = (breaks,) if len(breaks) else ()
        return super().select(K_range, *data, *sequences, criterion=criterion, folds=folds)

    def _fit_sequence(self, *data, breaks):
        check_option("inference", self.inference, ("labels", *MARKOV_FITS))
        if self.inference != "labels":
            return self._fit_markov(*data, breaks=as_rows(breaks))
        result, _ = self._fit_problem(*data, breaks)
        self.transition_ = transition_matrix(result.labels, len(result.parameters), breaks)
        self.initial_ = label_weights(result.z)
        return result

    def _fit_markov(self, *data, breaks):
        loss, _ = self._prepare(*data, breaks)
        self.result_ = fit_markov_from_starts(
            self._emission(check_count(self._count, getattr(self, self._count)), loss),
            self.inference,
            breaks=breaks,
            init=self.init,
            random_state=as_generator(self.random_state),
            callback=self.callback,
            **self._fit_options,
        )
        self.transition_ = self.result_.blocks["transition"]
        self.initial_ = self.result_.blocks["initial"]
        self.labels_, self.n_iter_ = self.result_.labels, self.result_.n_iter
        return self.result_

    def _connected(self, breaks):
        """Return the penalty of labels in these sequences."""
        if self.factor_penalty is None or isinstance(self.factor_penalty, IndependentLabels):
            return None
        return replace(self.factor_penalty, breaks=as_rows(breaks))

    def _predicted(self, loss, breaks):
        """Return label probabilities from the past, and log-likelihoods of the trials."""
        losses = loss.values(self.result_.parameters)
        bounds = sequence_bounds(as_rows(breaks), len(losses))
        predicted, _, log_likelihood = forward_predict(
            losses, self.transition_, self.initial_, bounds
        )
        return predicted, log_likelihood

    def _assign(self, loss, breaks):
        """Return the labels that the fitted model gives these trials."""
        losses = loss.values(self.result_.parameters)
        if self.inference != "labels":
            bounds = sequence_bounds(as_rows(breaks), len(losses))
            marginals = forward_backward(losses, self.transition_, self.initial_, bounds)[1]
            return marginals.argmax(axis=1)
        penalty = self._connected(breaks) or IndependentLabels()
        start = np.full(losses.shape, 1.0 / losses.shape[1])
        return penalty.minimize(losses, start).argmax(axis=1)


def as_rows(breaks):
    """Return break positions as a tuple of plain integers."""
    return tuple(int(row) for row in breaks)
