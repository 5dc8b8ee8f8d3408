"""Samples: what is trained on, units converted so that real SGD agrees, class Gaussians, and what is refused."""

import json
import math

import numpy as np
import pandas as pd
import pytest

from jominy.data import DenseLaw, EigenLaw, Preprocessing, Samples, Scaling
from jominy.errors import InputError

ONE_FACTOR = Preprocessing(scaling=Scaling.ONE_FACTOR, clip=None)


def blobs(rows=40, columns=5, seed=0):
    random = np.random.default_rng(seed)
    y = np.where(np.arange(rows) % 3 == 0, "sick", "fit")
    return random.normal(size=(rows, columns)) * 7.0 + 2.0 + 4.0 * (y == "sick")[:, None], y


def test_samples_are_standardised_and_labelled():
    X, y = blobs()
    mine = Samples(X, y)
    assert (mine.count, mine.dimension, mine.classification, mine.classes) == (40, 5, True, ("fit", "sick"))
    assert mine.features.dtype == mine.targets.dtype == np.float64
    assert (mine.features**2).sum(axis=1).mean() == pytest.approx(5.0, rel=1e-12)
    np.testing.assert_array_equal(mine.targets, np.where(y == "sick", 1.0, -1.0))
    assert mine.report[-1] == "class 'fit' is label -1 (26 rows), class 'sick' is label +1 (14 rows)"
    assert mine.report[0] == "centred 5 features"
    assert not mine.features.flags.writeable and not mine.targets.flags.writeable
    assert repr(mine) == "Samples(40 x 5, classes ('fit', 'sick'))"


def test_prepared_data_are_used_as_given():
    X = np.array([[1.0, 1.0], [2.0, 1.0], [4.0, 1.0]])
    mine = Samples(X, [1.0, 2.0, 4.0], preprocessing=None)
    np.testing.assert_array_equal(mine.features, X)
    assert mine.targets.tolist() == [1.0, 2.0, 4.0] and not mine.classification
    assert mine.report[0] == "features used as given"
    assert mine.radius_from_data_units(0.3) == 0.3
    assert mine.rate_to_data_units(0.5) == 0.25
    features, targets = mine.transform(X[:1], [7.0])
    assert features.tolist() == [[1.0, 1.0]] and targets.tolist() == [7.0]
    weights, intercept = mine.weights_to_data([1.0, 2.0])
    assert weights.tolist() == [1.0, 2.0] and intercept == 0.0


def test_held_out_samples_get_the_map_of_the_training_samples():
    X, y = blobs()
    mine = Samples(X, y)
    features, targets = mine.transform(X[5:9], y[5:9])
    np.testing.assert_array_equal(features, mine.features[5:9])
    np.testing.assert_array_equal(targets, mine.targets[5:9])


def test_data_frames_are_arrays_with_names():
    X, y = blobs()
    frame = pd.DataFrame(X, columns=list("abcde")).assign(even=np.arange(40) % 2 == 0)
    mine = Samples(frame, pd.Series(y))
    np.testing.assert_array_equal(mine.features, Samples(frame.astype(float).to_numpy(), y).features)
    frame.loc[[3, 4], "c"] = math.nan
    with pytest.raises(InputError, match="2 NaN, infinite or above 1e.100 in column 'c', the first in row 3"):
        Samples(frame, y)


def logistic_adversarial_step(weights, x, y, step, radius):
    """One SGD step on log(1 + exp(-margin)), margin = y <w, x> - radius |w|, written from the loss alone."""
    norm = np.linalg.norm(weights)
    slope = -1.0 / (1.0 + math.exp(y * weights @ x - radius * norm))
    return weights - step * slope * (y * x - radius * weights / norm)


def test_radius_and_rate_in_data_units_train_the_same_model():
    X, y = blobs()
    mine = Samples(X, y, ONE_FACTOR)
    factor, d, radius, step = mine.fitted.factor, mine.dimension, 0.8, 0.003
    scaled = np.linspace(-1, 1, d)
    raw = scaled * factor
    rate = mine.rate_from_data_units(step)
    for i in range(20):
        scaled = logistic_adversarial_step(
            scaled, mine.features[i], mine.targets[i], rate / d, mine.radius_from_data_units(radius)
        )
        raw = logistic_adversarial_step(raw, X[i] - X.mean(axis=0), mine.targets[i], step, radius)
    np.testing.assert_allclose(mine.weights_to_data(scaled)[0], raw, rtol=1e-10)
    assert mine.rate_to_data_units(rate) == pytest.approx(step, rel=1e-14)
    assert mine.radius_to_data_units(mine.radius_from_data_units(radius)) == pytest.approx(radius, rel=1e-14)


def test_regression_weights_predict_the_target_in_its_own_units():
    X, _ = blobs()
    y = X @ np.arange(5.0) + 30.0
    mine = Samples(X, y, Preprocessing(clip=None))
    weights = np.linalg.lstsq(mine.features, mine.targets, rcond=None)[0]
    raw, intercept = mine.weights_to_data(weights)
    np.testing.assert_allclose(raw, np.arange(5.0), atol=1e-10)
    assert intercept == pytest.approx(30.0, rel=1e-10)


def test_ellipsoids_are_not_called_balls():
    mine = Samples(*blobs())
    for convert in (mine.radius_from_data_units, mine.radius_to_data_units, mine.rate_from_data_units):
        with pytest.raises(InputError, match=r"data units need one factor .* Use `Preprocessing\(scaling=Scaling.ONE"):
            convert(1.0)


def test_class_gaussians_have_the_moments_of_the_classes():
    X, y = blobs()
    mine = Samples(X, y)
    mixture = mine.class_gaussians()
    assert mixture.classification and isinstance(mixture.law, DenseLaw)
    for i, name in enumerate(mine.classes):
        rows = mine.features[y == name]
        assert mixture.weights[i] == pytest.approx(len(rows) / 40)
        np.testing.assert_allclose(mixture.means[i], rows.mean(axis=0), rtol=1e-14)
        np.testing.assert_allclose(mixture.covariances[i], np.cov(rows.T, ddof=0), rtol=1e-12, atol=1e-14)


def test_class_gaussians_of_one_sample_and_of_one_feature():
    mixture = Samples([[0.0], [1.0], [3.0]], [0, 1, 1]).class_gaussians()
    assert isinstance(mixture.law, EigenLaw)
    assert mixture.law.eigenvalues[0].tolist() == [0.0]
    assert mixture.law.eigenvalues.shape == (2, 1)


def test_description_is_json_and_tells_data_apart():
    X, y = blobs()
    description = Samples(X, y).describe()
    assert json.loads(json.dumps(description, allow_nan=False)) == description
    assert description["preprocessing"] == {"centre": True, "scaling": "per_feature", "clip": 3.0, "rescale": True}
    assert description["features"] != Samples(X + np.eye(40, 5), y).describe()["features"]
    assert Samples(X, X[:, 0], preprocessing=None).describe()["classes"] is None


X, Y = blobs()


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: Samples(X[:, 0], Y), "X must be a 2-D array with one row per sample (received: shape (40,))"),
        (lambda: Samples(np.empty((0, 3)), []), "X must be a 2-D array"),
        (lambda: Samples(X[:1], Y[:1]), "there must be at least two samples"),
        (lambda: Samples(X, Y[:-1]), "one row per sample (received: 40 rows of X, 39 of y)"),
        (lambda: Samples(X, ["one"] * 40), "y must have at least two different values"),
        (lambda: Samples(np.where(X > 10, np.inf, X), Y), "X must be finite"),
        (lambda: Samples(X + 1j, Y), "X must be real numbers (received: other values in columns 0, 1, 2, 3, 4)"),
        (lambda: Samples([["1", "2"], ["3", "4"]], [0, 1]), "X must be real numbers"),
        (lambda: Samples([[None, 2.0], [3.0, 4.0]], [0, 1]), "1 NaN, infinite or above 1e+100 in column 0"),
        (lambda: Samples(X, Y, preprocessing="standard"), "preprocessing must be a Preprocessing or None"),
        (lambda: Samples(X, Y).transform(X[:, :4], Y), "X must have the 5 columns it was fitted on"),
        (lambda: Samples(X, Y, None).transform(X[:, :4], Y), "X must have 5 columns"),
        (lambda: Samples(X, Y).transform(X, Y[:-1]), "X and y must have one row per sample"),
        (lambda: Samples(X, X[:, 0]).class_gaussians(), "one Gaussian per class needs classes"),
        (lambda: Samples(X, Y, ONE_FACTOR).radius_from_data_units(-1.0), "radius must be >= 0 (received: -1.0)"),
    ],
)
def test_bad_input_is_refused_with_the_rule(act, message):
    with pytest.raises(InputError) as caught:
        act()
    assert message in str(caught.value)
