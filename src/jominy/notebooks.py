"""Notebooks: IPython is told how to show what jominy makes. Nothing is imported until something is shown."""

from __future__ import annotations

import sys
from typing import Any

_SHOWN = (
    ("xarray.core.dataset", "Dataset"),
    ("jominy.dynamics.optima.record", "Optimum"),
    ("jominy.dynamics.problem", "Problem"),
    ("jominy.dynamics.asymptotics.record", "Stationary"),
    ("jominy.meanfield.architecture", "Architecture"),
    ("jominy.study.advise", "Advice"),
    ("jominy.study.scenario.model", "Scenario"),
    ("jominy.study.scenario.network", "NetworkScenario"),
)


def load_into(shell: Any) -> None:
    """Let a shell show these types by :func:`jominy.view`; Datasets that are no results stay as they are."""
    formatter = shell.display_formatter.formatters["text/html"]
    for module, name in _SHOWN:
        formatter.for_type_by_name(module, name, _html)


def load_into_running_shell() -> None:
    """The same for the shell that this is running in, if it is one."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None and hasattr(ipython, "get_ipython") else None
    if shell is not None and hasattr(shell, "display_formatter"):
        load_into(shell)


def _html(thing: Any) -> str | None:
    from jominy.show.notebook import as_html

    html = as_html(thing)
    return html if html is not None or not hasattr(thing, "_repr_html_") else thing._repr_html_()
