"""Preprocessing against the recipe written out step by step, and its inverses as properties."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from jominy.data import Preprocessing, Scaling
from jominy.errors import InputError

TABLES = st.tuples(st.integers(3, 12), st.integers(1, 5)).flatmap(
    lambda shape: arrays(np.float64, shape, elements=st.floats(-1e3, 1e3, allow_subnormal=False, width=32))
)
SETTINGS = st.builds(
    Preprocessing,
    centre=st.booleans(),
    scaling=st.sampled_from(Scaling),
    clip=st.one_of(st.none(), st.floats(0.5, 10.0)),
    rescale=st.booleans(),
)


def data(rows=50, columns=6, seed=0):
    """Heavy tails, unlike units, one constant column (number 2)."""
    random = np.random.default_rng(seed)
    X = random.standard_t(2.5, size=(rows, columns)) * 10.0 ** np.arange(-2, columns - 2) + 3.0
    X[:, 2] = 0.1
    return X


def by_the_recipe(train, rows, scaling, clip):
    """theory/realdata.md section 6, one step after the other, with two rescalings."""
    kept = [j for j in range(train.shape[1]) if len(set(train[:, j])) > 1]
    d = len(kept)
    centre = train[:, kept].mean(axis=0)
    scale = train[:, kept].std(axis=0) if scaling is Scaling.PER_FEATURE else 1.0
    train, rows = (train[:, kept] - centre) / scale, (rows[:, kept] - centre) / scale

    def to_mean_square_norm_d(table):
        return math.sqrt(d / np.mean([row @ row for row in table]))

    def clipped(table):
        return np.array([row * math.sqrt(clip * d / (row @ row)) if row @ row > clip * d else row for row in table])

    first = to_mean_square_norm_d(train)
    train, rows = first * train, first * rows
    if clip is not None:
        train, rows = clipped(train), clipped(rows)
    return to_mean_square_norm_d(train) * rows


@pytest.mark.parametrize("scaling", list(Scaling))
@pytest.mark.parametrize("clip", [None, 1.5, 3.0])
def test_training_and_test_rows_follow_the_recipe(scaling, clip):
    train, test = data(), 5.0 * data(seed=1)
    fitted = Preprocessing(scaling=scaling, clip=clip).fit(train)
    assert fitted.dimension == 5
    for rows in (train, test):
        np.testing.assert_allclose(fitted.transform(rows), by_the_recipe(train, rows, scaling, clip), rtol=1e-12)


def test_mean_square_norm_is_d_and_the_cap_holds_before_the_last_rescaling():
    fitted = Preprocessing(clip=2.0).fit(data())
    sizes = (fitted.transform(data()) ** 2).sum(axis=1)
    assert sizes.mean() == pytest.approx(5.0, rel=1e-13)
    on_the_cap = np.isclose(sizes, sizes.max(), rtol=1e-12)  # shrunk onto the cap, then rescaled with all the others
    assert 1 < on_the_cap.sum() == fitted.rows_clipped(data())
    assert 2.0 * 5.0 < sizes.max() < 2.0 * 5.0 * 1.7


def test_report_says_what_was_done_with_counts():
    X = np.array(
        [[1.0, 7.0, 0.0], [-1.0, 7.0, 0.0], [0.0, 7.0, 1.0], [0.0, 7.0, -1.0], [8.0, 7.0, 8.0], [-8.0, 7.0, -8.0]]
    )
    assert Preprocessing(scaling=Scaling.NONE, clip=2.0).fit(X).report == [
        "centred 3 features",
        "dropped 1 of 3 features that are constant (columns 1): d = 2",
        "clipped 2 of 6 rows (33.3 %) to ||x||^2 = 2 d; the largest had 2.95 d",
        "rescaled by 0.260133 in all to a mean ||x||^2 of d = 2; the largest row has 2.93 d",
    ]
    assert Preprocessing(centre=False, scaling=Scaling.NONE, clip=None, rescale=False).fit(X[:, :1]).report == []


def test_without_centring_the_mean_stays():
    X = data()[:, [0, 1]]
    fitted = Preprocessing(centre=False, scaling=Scaling.ONE_FACTOR, clip=None).fit(X)
    np.testing.assert_allclose(fitted.transform(X), X * fitted.factor, rtol=1e-12)


@pytest.mark.parametrize("rescale", [True, False])
def test_one_factor_is_one_factor(rescale):
    X = data()
    fitted = Preprocessing(scaling=Scaling.ONE_FACTOR, clip=None, rescale=rescale).fit(X)
    difference = fitted.transform(X)[0] - fitted.transform(X)[1]
    np.testing.assert_allclose(difference, fitted.factor * (X[0] - X[1])[fitted.kept], rtol=1e-9)
    assert (fitted.transform(X) ** 2).sum(axis=1).mean() == pytest.approx(5.0, rel=1e-12)
    assert Preprocessing().fit(X).factor is None


def test_rounding_of_a_constant_feature_is_not_variation():
    X = np.column_stack([np.arange(4.0), [0.1 + 0.2, 0.3, 0.3, 0.3], np.full(4, 1e-300)])
    assert Preprocessing().fit(X).kept.tolist() == [True, False, False]


@settings(max_examples=150, deadline=None)
@given(table=TABLES, setting=SETTINGS, data=st.data())
def test_every_step_can_be_undone(table, setting, data):
    try:
        fitted = setting.fit(table)
    except InputError:
        assert np.all(np.ptp(table, axis=0) <= 1e-12 * np.abs(table).max(axis=0))
        return
    features = fitted.transform(table)
    untouched = (fitted.scaling.standardised(table) ** 2).sum(axis=1) <= fitted.cap
    size = np.abs(table).max() + 1.0
    np.testing.assert_allclose(fitted.to_data(features)[untouched], table[untouched], atol=1e-9 * size)

    weights = data.draw(arrays(np.float64, fitted.dimension, elements=st.floats(-2, 2, width=16)))
    raw, intercept = fitted.weights_to_data(weights)
    scale = 1.0 + np.abs(raw) @ np.abs(table).max(axis=0) + abs(intercept)
    np.testing.assert_allclose(
        (table @ raw + intercept)[untouched], (features @ weights)[untouched], atol=1e-12 * scale
    )
    np.testing.assert_allclose(fitted.weights_from_data(raw), weights, atol=1e-12)


@settings(max_examples=50, deadline=None)
@given(unit=st.floats(1e-6, 1e6), scaling=st.sampled_from(Scaling))
def test_the_unit_of_the_data_does_not_matter(unit, scaling):
    setting = Preprocessing(scaling=scaling)
    np.testing.assert_allclose(
        setting.fit(data() * unit).transform(data() * unit),
        setting.fit(data()).transform(data()),
        rtol=1e-9,
        atol=1e-12,
    )


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: Preprocessing(clip=0.0), "clip must be > 0, or None for no clipping (received: 0.0)"),
        (lambda: Preprocessing(clip=math.nan), "clip must be finite"),
        (lambda: Preprocessing(scaling="per_feature"), "Choose among Scaling.PER_FEATURE, Scaling.ONE_FACTOR"),
        (
            lambda: Preprocessing().fit(np.ones((4, 3))),
            "at least one feature must vary (received: 3 constant features)",
        ),
        (lambda: Preprocessing().fit(np.ones(4)), "X must be a 2-D array with one row per sample"),
        (lambda: Preprocessing().fit([[1.0, math.nan], [2.0, 3.0]]), "X must be finite"),
        (lambda: Preprocessing().fit(data()).transform(data()[:, :3]), "X must have the 6 columns it was fitted on"),
        (lambda: Preprocessing().fit(data()).weights_to_data(np.ones(6)), "weights must have shape (5,)"),
        (lambda: Preprocessing().fit(data()).weights_from_data(np.ones(5)), "weights must have shape (6,)"),
    ],
)
def test_bad_input_is_refused_with_the_rule(act, message):
    with pytest.raises(InputError) as caught:
        act()
    assert message in str(caught.value)
