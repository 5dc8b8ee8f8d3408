"""Bad input of the verbs on population problems: one message with the rule, the value and the next step."""

import math

import numpy as np
import pytest

import jominy as jm
import zoo
from jominy.errors import InputError

D = 24
LAW = zoo.one_class(zoo.two(D), 0.25)
PROBLEM = LAW.problem(jm.SquaredLoss(), 0.5)
ENDLESS = jm.Problem(jm.LinearTeacher(jm.two_level(math.inf), noise_variance=0.25), jm.SquaredLoss(), 0.5)
RATE = jm.Constant(0.5)


def both(**settings):
    return [lambda verb=verb: verb(PROBLEM, RATE, **settings) for verb in (jm.forecast, jm.simulate)]


CASES = {
    "negative radius": ([lambda: LAW.problem(jm.SquaredLoss(), -0.5)], ">= 0", "-0.5", "values of 0 to 2 are usual"),
    "radius NaN": (
        [lambda: LAW.problem(jm.SquaredLoss(), math.nan)],
        "finite number >= 0",
        "nan",
        "l2 norm of the attack",
    ),
    "radius in words": ([lambda: LAW.problem(jm.SquaredLoss(), "big")], "finite number >= 0", "'big'", "l2 norm"),
    "data of another kind": (
        [lambda: jm.Problem(np.eye(3), jm.SquaredLoss(), 0.5)],
        "must be a GaussianMixture",
        "ndarray",
        "Samples(X, y)",
    ),
    "loss by name": ([lambda: LAW.problem("squared", 0.5)], "must be a loss object", "'squared'", "SquaredLoss()"),
    "loss class": ([lambda: LAW.problem(jm.SquaredLoss, 0.5)], "must be a loss object", "SquaredLoss", "SquaredLoss()"),
    "no labels": (
        [lambda: LAW.problem(jm.LogisticLoss(), 0.5)],
        "needs labels -1 and +1",
        "without such labels",
        "Give `labels=",
    ),
    "offsets are no labels": (
        [lambda: zoo.two_classes(D, labels=(0.5, -1)).problem(jm.LogisticLoss(), 0.5)],
        "needs labels -1 and +1",
        "without such labels",
        "use `SquaredLoss()`",
    ),
    "rate for a schedule": (
        [lambda: jm.forecast(PROBLEM, 0.5, 1), lambda: jm.simulate(PROBLEM, 0.5, 1)],
        "must be a schedule object",
        "0.5",
        "Constant(0.5)",
    ),
    "no times": (both(), "either a horizon (time=20) or the times", "time=None", "samples / dimension"),
    "horizon and times": (both(time=1, times=[1.0]), "either a horizon", "time=1", "samples / dimension"),
    "times backwards": (both(times=[2.0, 1.0]), "increasing finite numbers >= 0", "[2.0, 1.0]", "Sort them"),
    "times before zero": (both(times=[-1.0, 1.0]), "increasing finite numbers >= 0", "[-1.0, 1.0]", "Sort them"),
    "times twice": (both(times=[1.0, 1.0]), "increasing finite numbers >= 0", "[1.0, 1.0]", "drop repetitions"),
    "times infinite": (both(times=[1.0, math.inf]), "increasing finite numbers >= 0", "inf", "Sort them"),
    "times empty": (both(times=[]), "increasing finite numbers >= 0", "[]", "Sort them"),
    "times in words": (both(times="soon"), "increasing finite numbers >= 0", "'soon'", "Sort them"),
    "horizon zero": (both(time=0), "horizon must be a finite number > 0", "0", "samples / dimension"),
    "horizon in words": (both(time="long"), "horizon must be a finite number > 0", "'long'", "samples / dimension"),
    "start too short": (both(time=1, start=np.ones(5)), "shape (24,)", "(5,)", "RandomStart(norm)"),
    "start a column": (both(time=1, start=np.ones((24, 1))), "shape (24,)", "(24, 1)", "RandomStart(norm)"),
    "start NaN": (both(time=1, start=math.nan), "start must be finite", "nan", "Remove NaN"),
    "start in words": (both(time=1, start="zero"), "start must be numbers", "'zero'", "nothing for zero"),
    "random start of norm zero": (
        [lambda: jm.RandomStart(0.0)],
        "must be finite and > 0",
        "0.0",
        "For zero leave start out",
    ),
    "random start in words": (
        [lambda: jm.RandomStart("a")],
        "must be finite and > 0",
        "'a'",
        "For zero leave start out",
    ),
    "negative evaluation radius": (both(time=1, evaluate_at=[-0.1]), "radius must be a finite number >= 0", "-0.1", ""),
    "held-out rows": (both(time=1, held_out=(1, 2)), "belong to a problem on Samples", "GaussianMixture", "leave"),
    "sampling": (
        [lambda: jm.simulate(PROBLEM, RATE, 1, sampling=jm.OnePass())],
        "belong to a problem on Samples",
        "",
        "fresh sample",
    ),
    "infinite dimension": (
        [lambda: jm.simulate(ENDLESS, RATE, 1)],
        "needs a finite dimension",
        "inf",
        "for instance 1000",
    ),
    "vector in infinite dimension": (
        [lambda: jm.forecast(ENDLESS, RATE, 1, start=np.ones(3))],
        "shape (inf,)",
        "(3,)",
        "one number",
    ),
    "groups of matrices": (
        [
            lambda: jm.simulate(
                zoo.turned_classes(D).problem(jm.SquaredLoss(), 0.5), RATE, times=[0.0], full_vectors=False
            )
        ],
        "covariances that commute",
        "full_vectors=False",
        "Leave full_vectors out",
    ),
}
CASES |= {
    f"seeds {seeds!r}": (
        [lambda s=seeds: jm.simulate(PROBLEM, RATE, 1, seeds=s)],
        "count >= 1, or different whole numbers",
        str(seeds),
        "seeds=50",
    )
    for seeds in (0, -3, 2.5, "a", [1, 1], [-1, 2], [])
}


@pytest.mark.parametrize("name", CASES)
def test_one_clear_message(name):
    calls, rule, received, step = CASES[name]
    for call in calls:
        with pytest.raises(InputError) as caught:
            call()
        message = str(caught.value)
        assert rule in message and received in message and step in message
        assert "\n" not in message
