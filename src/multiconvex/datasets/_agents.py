"""Draws that several simulators of behaviour share."""

import numpy as np

from multiconvex.checks import check_array


def hidden_states(rng, transition, initial, m):
    """A Markov chain of `m` states from its initial probabilities and its transitions."""
    states = np.empty(m, int)
    row = initial
    for t in range(m):
        states[t] = rng.choice(len(row), p=row)
        row = transition[states[t]]
    return states


def forage(rng, parameters, labels, probabilities, *, missed, baited):
    """Play a bandit as an agent that remembers its last rewards.

    Its memory ``M`` holds in column j the reward of each arm j+1 answered trials ago. It takes arm
    i with a probability in proportion to ``exp((M @ parameters[label])[i])``. Where `baited`, a
    reward that nobody collects stays on its arm.

    Returns
    -------
    choice, reward : ndarray of int, shape (m,)
        -1 and 0 where `missed`.
    memory : ndarray of shape (m, arms, n)
        The memory before each choice.
    """
    m, arms = probabilities.shape
    memory = np.zeros((m + 1, arms, parameters.shape[1]))
    choice, reward = np.full(m, -1), np.zeros(m, int)
    luck = rng.random((m, arms)) < probabilities
    # adding Gumbel noise to the values and taking the largest draws from their softmax
    noise = rng.gumbel(size=(m, arms))
    ready = np.zeros(arms, bool)
    for t in range(m):
        ready = (ready & baited) | luck[t]
        memory[t + 1] = memory[t]
        if missed[t]:
            continue
        chosen = np.argmax(memory[t] @ parameters[labels[t]] + noise[t])
        choice[t], reward[t] = chosen, ready[chosen]
        ready[chosen] = False
        memory[t + 1, :, 1:] = memory[t, :, :-1]
        memory[t + 1, :, 0] = 0.0
        memory[t + 1, chosen, 0] = reward[t]
    return choice, reward, memory[:-1]


def logistic(value):
    """``1 / (1 + exp(-value))`` without overflow."""
    return 0.5 * (1.0 + np.tanh(0.5 * value))


def check_parameters(parameters):
    """Return one row of coefficients for each label, checked."""
    return check_array("parameters", parameters, ndim=2)


def check_distribution(name, rows, shape):
    """Return probabilities of the right shape whose last axis sums to one."""
    rows = check_array(name, rows, nonnegative=True)
    if rows.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, got {rows.shape}.")
    if not np.allclose(rows.sum(axis=-1), 1.0):
        raise ValueError(f"{name} must sum to one: divide by the sum.")
    return rows


def check_probabilities(name, values, *, ndim):
    """Return numbers between zero and one, checked."""
    values = check_array(name, values, ndim=ndim, nonnegative=True)
    if values.max() > 1:
        raise ValueError(f"{name} must lie between 0 and 1, got {values.max():g}.")
    return values
