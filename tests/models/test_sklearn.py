"""The estimators of scikit-learn: its own checks, pipelines, and what they are without it."""

import numpy as np
import pytest

import jominy as jm

pytest.importorskip("sklearn")
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from jominy.sklearn import AdversarialClassifier, AdversarialRegressor


@pytest.mark.slow
@pytest.mark.parametrize("kind", [AdversarialClassifier, AdversarialRegressor])
def test_scikit_learns_own_checks_pass(kind):
    reasons = {
        "check_sample_weight_equivalence_on_dense_data": "rows are drawn and scaled: a weight is no repeated row",
        "check_sample_weights_list": "of three classes, where weights of single samples are not known",
    }
    told = check_estimator(kind(), on_fail=None, expected_failed_checks=reasons)
    failed = [one for one in told if one["status"] == "failed"]
    assert not failed, [(one["check_name"], repr(one["exception"])[:300]) for one in failed]


def test_it_is_the_fit_of_the_same_problem():
    X, y = load_breast_cancer(return_X_y=True)
    ours = AdversarialClassifier(radius=0.3, time=5, schedule=jm.Constant(0.5)).fit(X, y)
    problem = jm.Problem(jm.Samples(X, y, intercept=True), jm.LogisticLoss(), 0.3)
    model = jm.fit(problem, jm.Constant(0.5), 5)
    np.testing.assert_allclose(ours.decision_function(X), model.decision_function(X), rtol=1e-12)
    np.testing.assert_allclose(ours.robust_radius(X), model.robust_radius(X), rtol=1e-12)
    whole = np.sum(model.scaling.standardised(X) ** 2, axis=1) <= model.scaling.cap  # rows that are not shrunk
    by_hand = X @ ours.coef_[0] + ours.intercept_[0]
    assert 0.8 < np.mean(whole) < 1
    np.testing.assert_allclose(by_hand[whole], ours.decision_function(X)[whole], rtol=1e-8, atol=1e-10)
    assert ours.score(X, y) > 0.9


def test_words_are_classes_and_pipelines_and_searches_work():
    X, y = load_breast_cancer(return_X_y=True)
    words = np.where(y, "benign", "malignant")
    pipe = make_pipeline(StandardScaler(), AdversarialClassifier(time=5))
    search = GridSearchCV(pipe, {"adversarialclassifier__radius": [0.1, 3.0]}, cv=2).fit(X, words)
    assert search.best_params_ == {"adversarialclassifier__radius": 0.1}
    assert set(search.predict(X[:30])) == {"benign", "malignant"} and search.best_score_ > 0.9


def test_several_classes_are_the_fit_of_the_same_problem():
    X, y = load_wine(return_X_y=True)
    words = np.array(["red", "rose", "white"])[y]
    ours = AdversarialClassifier(radius=0.3, time=8, schedule=jm.Constant(0.5)).fit(X, words)
    problem = jm.Problem(jm.Samples(X, words, intercept=True), jm.SoftmaxLoss(), 0.3)
    model = jm.fit(problem, jm.Constant(0.5), 8, beside_forecast=False)
    np.testing.assert_allclose(ours.decision_function(X), model.decision_function(X), rtol=1e-12)
    assert ours.predict(X).tolist() == model.predict(X).tolist() and ours.score(X, words) > 0.95
    assert ours.coef_.shape == (3, 13) and ours.intercept_.shape == (3,) and ours.predict_proba(X).shape == (len(X), 3)
    assert cross_val_score(AdversarialClassifier(time=8), X, words, cv=3).mean() > 0.9


def test_a_regression_in_units_of_its_target():
    X, y = load_diabetes(return_X_y=True)
    ours = AdversarialRegressor(radius=0.05, time=60).fit(X, 1000 * y)
    assert ours.score(X, 1000 * y) > 0.45 and ours.coef_.shape == (10,)
    two = AdversarialRegressor(radius=0.0, time=60).fit(X, np.where(y > 140, 7.0, 3.0))
    assert 1 < two.predict(X).min() and two.predict(X).max() < 9 and two.score(X, np.where(y > 140, 7.0, 3.0)) > 0.2


def test_a_designed_schedule_ends_lower_than_the_usual_constant():
    from sklearn.datasets import load_breast_cancer

    X, y = load_breast_cancer(return_X_y=True)
    usual, designed = (
        AdversarialClassifier(radius=0.5, time=10.0, schedule=schedule).fit(X[::2], y[::2])
        for schedule in (None, "designed")
    )
    assert designed.model_.record["schedule"]["kind"] == "hill"
    ends = [model.model_.record["end"]["adversarial_risk"] for model in (usual, designed)]
    assert ends[1] < ends[0]
    with pytest.raises(jm.InputError, match="'designed'"):
        AdversarialClassifier(schedule="best").fit(X[::8], y[::8])
