"""What a forecast of a table compiles: a handful of programs, and none for a further radius."""

import jax
import numpy as np

import jominy as jm

_compiled: list[str] = []


def _note(event: str, duration_secs: float, **kwargs: str | int) -> None:
    if event == "/jax/core/compile/backend_compile_duration":
        _compiled.append(event)


def test_a_table_compiles_four_programs_and_further_radii_none():
    """The logits go beyond two quadratures on the way (their standard deviation reaches 3), which are no programs."""
    rng = np.random.default_rng(0)
    y = np.arange(131) % 2
    X = rng.standard_normal((131, 7)) + 0.8 * y[:, None] * np.arange(7) / 7
    samples = jm.Samples(X, y)
    jax.monitoring.register_event_duration_secs_listener(_note)

    def compiled(radius: float, rate: float) -> int:
        before = len(_compiled)
        curve = jm.forecast(
            jm.Problem(samples, jm.LogisticLoss(), radius),
            jm.Constant(rate),
            time=10,
            held_out=(3 * X[:40], y[:40]),  # and those of the rows held out go beyond further ones
            evaluate_at=[0.0, 0.5],
        )
        assert curve.attrs["status"] == "completed"
        return len(_compiled) - before

    # The optimum at zero and elsewhere, the recursion, the read-out; and where the risk rises, how steep the loss is
    # far out, which tells whether the rate is too large.
    assert compiled(0.05, 0.5) <= 4
    assert compiled(0.05, 2.5) <= 1
    assert [compiled(radius, 2.5) for radius in (0.0, 0.2)] == [0, 0]
