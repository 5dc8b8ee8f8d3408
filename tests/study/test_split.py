import numpy as np
import pytest

from jominy.study.split import split


@pytest.mark.parametrize("kind", [np.repeat([0, 1], [30, 70]), np.repeat(["a", "b"], [30, 70]), np.linspace(0, 1, 100)])
def test_a_share_is_held_out_and_nothing_is_lost(kind):
    train, test = split(kind, 0.2)
    assert len(test) == 20 and not np.intersect1d(train, test).size
    assert np.array_equal(np.union1d(train, test), np.arange(100))


def test_classes_keep_their_proportions():
    targets = np.repeat([0, 1], [30, 70])
    _, test = split(targets, 0.2)
    assert np.array_equal(np.bincount(targets[test]), [6, 14])


def test_seed_decides():
    targets = np.arange(100) % 2
    assert np.array_equal(split(targets, 0.3, seed=1)[1], split(targets, 0.3, seed=1)[1])
    assert not np.array_equal(split(targets, 0.3, seed=1)[1], split(targets, 0.3, seed=2)[1])


def test_nothing_held_out():
    train, test = split([1, 2, 3], 0.0)
    assert train.tolist() == [0, 1, 2] and test.tolist() == []
