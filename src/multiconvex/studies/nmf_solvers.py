r"""Experiments of the chapter that asks which NMF solver to use.

The gap of a point is how far its objective is above the best one that any solver reached, divided
by the latter. Seconds come from a stored run of ``benchmarks/nmf`` only; what is run here is
measured in sweeps and in work.
"""

from multiconvex.studies._counted_races import (
    CountedRace,
    MarginalRace,
    Multipliers,
    Stalls,
    count_multipliers,
    count_stalls,
    follow_marginals,
    make_counts,
    race_counts,
)
from multiconvex.studies._stored_races import (
    Advice,
    PerformanceProfile,
    RaceProblem,
    StoredRaces,
    advise,
    load_races,
    profile_solvers,
)

__all__ = [
    "Advice",
    "CountedRace",
    "MarginalRace",
    "Multipliers",
    "PerformanceProfile",
    "RaceProblem",
    "Stalls",
    "StoredRaces",
    "advise",
    "count_multipliers",
    "count_stalls",
    "follow_marginals",
    "load_races",
    "make_counts",
    "profile_solvers",
    "race_counts",
]
