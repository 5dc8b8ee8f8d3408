"""An audit of an attack as plain text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from jominy.show.text import table, wrapped

if TYPE_CHECKING:
    from jominy.audits import Audit


def audit_text(told: Audit) -> str:
    """Summary line, a table of the cases, and every finding in a paragraph."""
    rows = [("case", "median share", "worst", "broken of breakable", "passes", "ms per input")]
    for name, trial in told.trials.items():
        share = trial.share[trial.counted]
        rows.append(
            (
                name + (" *" if trial.case.hides else "" if trial.case.exact else " +"),
                f"{np.median(share):.3f}",
                f"{share.min():.3f}",
                "-" if np.isnan(trial.broken) else f"{100 * trial.broken:.0f} %",
                f"{trial.rows / len(trial.case.labels):.0f}",
                f"{1e3 * trial.seconds:.3g}",
            )
        )
    words = [wrapped(f"- {finding}") for finding in told.findings] or ["- Nothing is wrong with it here."]
    note = wrapped(
        "share: how far margins fell, of what it takes to cross the boundary where that can be done, else of the most "
        "that any perturbation of that size can do, exactly; + of a bound on that. * hides its gradients on purpose."
    )
    return "\n\n".join([f"{told.attack}\n{told.badge}", table(rows), note, "\n".join(words)])
