import jax
import pytest

from jominy.errors import InputError
from jominy.numerics import precision


def test_a_device_that_is_not_there_is_one_sentence(monkeypatch):
    def devices():
        raise AssertionError  # as JAX does without CUDA

    monkeypatch.setenv("JAX_PLATFORMS", "cuda")
    monkeypatch.setattr(jax, "devices", devices)
    precision._require_device.cache_clear()
    with pytest.raises(InputError, match="JAX must find the device .*'cuda'.*Set JAX_PLATFORMS=cpu"):
        precision.double_precision(lambda: 1)()
    monkeypatch.undo()
    assert precision.double_precision(lambda: 1)() == 1
