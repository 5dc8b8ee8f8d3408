import pytest

from jominy.results import Status


def test_labels_are_unique_and_lead_back():
    assert len({status.label for status in Status}) == len(Status)
    for status in Status:
        assert Status.of(status.label) is status


def test_every_status_says_what_it_means():
    assert all(status.advice.endswith(".") for status in Status)


def test_unknown_label():
    with pytest.raises(KeyError, match="exploded"):
        Status.of("exploded")
