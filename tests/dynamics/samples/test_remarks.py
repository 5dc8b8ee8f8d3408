"""What results on samples say beside their numbers: base rate, held-out rows, rates, and no classes in a regression."""

import json

import numpy as np
import pytest

import jominy as jm

RNG = np.random.default_rng(11)
X = RNG.standard_normal((240, 4))
RARE = np.where(X[:, 0] + X[:, 1] + 0.5 * RNG.standard_normal(240) > 2.1, "Yes", "No")
EVEN = np.where(X[:, 0] + 0.5 * RNG.standard_normal(240) > 0, 1, 0)
TRAIN, TEST = slice(0, 180), slice(180, None)
NUMBERS = 2 * X[:, 0] + RNG.standard_normal(240)


def told(engine, y, loss=jm.LogisticLoss, held_out=True, rate=1.0, **preprocessing):
    samples = jm.Samples(X[TRAIN], y[TRAIN], jm.Preprocessing(**preprocessing))
    settings = {"held_out": (X[TEST], y[TEST])} if held_out else {}
    if engine is jm.simulate:
        settings |= {"seeds": 3, "progress": False}
    result = engine(jm.Problem(samples, loss(), 0.1), jm.Constant(rate), time=5, **settings)
    return result, " | ".join(json.loads(result.attrs["notes"]))


@pytest.mark.parametrize("engine", [jm.forecast, jm.simulate])
def test_the_base_rate_is_that_of_a_constant_answer(engine):
    """Against scikit-learn's classifier that answers the most frequent class."""
    dummy = pytest.importorskip("sklearn.dummy").DummyClassifier(strategy="most_frequent")
    result, notes = told(engine, RARE)
    dummy.fit(X[TRAIN], RARE[TRAIN])
    rates = dummy.score(X[TRAIN], RARE[TRAIN]), dummy.score(X[TEST], RARE[TEST])
    assert (result.attrs["base_rate"], result.attrs["held_out_base_rate"]) == pytest.approx(rates, abs=1e-12)
    assert f"a constant answer, 'No', has the accuracy {rates[0]:.3f} ({rates[1]:.3f} on the held-out rows)" in notes
    assert float(result.clean_accuracy.isel(time=-1).mean()) < rates[0] and "no intercept, so" in notes


def test_classes_of_like_size_have_a_base_rate_and_no_warning():
    result, notes = told(jm.forecast, EVEN, held_out=False)
    assert result.attrs["base_rate"] == max(np.mean(EVEN[TRAIN]), 1 - np.mean(EVEN[TRAIN]))
    assert "constant answer" in notes and "intercept" not in notes
    assert "held_out_base_rate" not in result.attrs


def test_the_gaussian_picture_of_a_useless_model_is_not_to_be_trusted():
    problem = jm.Problem(jm.Samples(X, RARE), jm.LogisticLoss(), 0.1)
    picture = jm.gaussian_picture(problem, jm.Constant(1.0), time=5, surrogates=1)
    assert picture.attrs["gap"] < 0.05 and picture.attrs["trustworthy"] == 0
    assert "below the accuracy of a constant answer" in picture.attrs["verdict"]
    assert "may be trusted" not in picture.attrs["verdict"]


def test_a_regression_has_no_classes():
    result, notes = told(jm.forecast, NUMBERS, jm.SquaredLoss, rate=0.3)
    picture = jm.gaussian_picture(
        jm.Problem(jm.Samples(X, NUMBERS**3), jm.SquaredLoss(), 0.1), jm.Constant(0.3), time=5, surrogates=1
    )
    assert picture.attrs["gap"] > 0.05
    for words in (notes, picture.attrs["verdict"], result.attrs["advice"]):
        assert "class" not in words and "constant answer" not in words
    assert "base_rate" not in result.attrs


def test_few_samples_point_to_held_out_rows_that_are_there():
    few = jm.Samples(X[:40], EVEN[:40])
    for held_out, words in ((None, "give `held_out="), ((X[TEST], EVEN[TEST]), "the held-out rows show")):
        result = jm.forecast(jm.Problem(few, jm.LogisticLoss(), 0.1), jm.Constant(1.0), time=1, held_out=held_out)
        assert words in result.attrs["notes"]


@pytest.mark.parametrize(("rate", "status"), [(1.2, "unstable tail events"), (9.0, "diverged")])
@pytest.mark.parametrize("clip", [None, 3.0])
def test_rows_that_are_clipped_are_not_to_be_clipped(rate, status, clip):
    result, _ = told(jm.forecast, NUMBERS, jm.SquaredLoss, rate=rate, clip=clip)
    assert result.attrs["status"] == status and "Lower it below" in result.attrs["advice"].replace("the rate", "it")
    assert ("clip" in result.attrs["advice"]) == (clip is None)


def test_rows_learnt_by_heart_are_not_short_of_an_intercept():
    random = np.random.default_rng(0)
    X, y = random.standard_normal((12, 40)), np.where(np.arange(12) % 2, 1.0, -1.0)
    problem = jm.Problem(jm.Samples(X, y, intercept=True), jm.LogisticLoss(), 0.1)
    notes = jm.forecast(problem, jm.Constant(1.0), times=[0.0, 5.0], held_out=(X, -y)).attrs["notes"]
    assert "does not carry over" in notes and "not learnt yet" not in notes
