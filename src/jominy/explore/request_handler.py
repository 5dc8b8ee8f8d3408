"""Everything that the page can ask to be computed; lives in a worker process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jominy.errors import InputError
from jominy.explore.asked import Drawn, File, Map, Run, Text
from jominy.explore.curves_state import Curves
from jominy.explore.fields import Request
from jominy.explore.files import netcdf, png
from jominy.explore.forecasts import Forecasts
from jominy.explore.maps import phase_map, phase_result
from jominy.explore.network_answers import network, network_advice, network_results
from jominy.explore.networks_state import Networks
from jominy.explore.runs import run_sgd
from jominy.explore.tables import Kept, Opened, columns
from jominy.explore.texts import network_python_text, python_text, toml_text

if TYPE_CHECKING:
    import xarray as xr

Tell = Callable[[dict[str, Any]], None]
Stopped = Callable[[], bool]


class RequestHandler:
    """Answers to the page's requests, one at a time. Raises InputError for what is mathematically void."""

    def __init__(self, own: Path | None, tell: Tell, stopped: Stopped, tables: Path | None = None) -> None:
        self._forecasts = Forecasts(own, tables)
        self._tables = tables
        self._tell, self._stopped = tell, stopped
        self._runs: tuple[Curves, xr.Dataset] | None = None

    def answer(self, job: str, asked: Request) -> Any:
        """The answer of one job: something that JSON knows, text, or bytes."""
        return _JOBS[job](self, asked)

    def columns(self, asked: Kept) -> Any:
        return columns(self._tables, asked)

    def open(self, asked: Opened) -> Any:
        return self._forecasts.opened(asked)

    def curve(self, asked: Curves) -> Any:
        return self._forecasts.curve(asked)

    def band(self, asked: Curves) -> Any:
        return self._forecasts.band(asked)

    def beside(self, asked: Curves) -> Any:
        """The curve of the same problem under the other attack. A question of its own: of two of one kind that a page
        asks, the newer takes the older one's place."""
        other = "linf" if asked.attack == "l2" else "l2"
        return self._forecasts.curve(asked.model_copy(update={"attack": other})) | {"attack": other}

    def design(self, asked: Curves) -> Any:
        return self._forecasts.design(asked)

    def drawn(self, asked: Drawn) -> Any:
        return self._forecasts.drawn(asked)

    def network(self, asked: Networks) -> Any:
        return network(asked)

    def network_advice(self, asked: Networks) -> Any:
        return network_advice(asked)

    def map(self, asked: Map) -> Any:
        return phase_map(self._forecasts, asked)

    def run(self, asked: Run) -> Any:
        told, runs = run_sgd(self._forecasts, asked, self._tell, self._stopped)
        self._runs = asked.state, runs
        return told

    def text(self, asked: Text) -> Any:
        if asked.networks is not None:
            form = asked.form == "toml"
            return {"text": toml_text(asked.networks.mapping()) if form else network_python_text(asked.networks)}
        mapping = self._forecasts.mapping(asked.curves, asked.rates)
        return {"text": toml_text(mapping) if asked.form == "toml" else python_text(asked.curves, mapping)}

    def file(self, asked: File) -> bytes:
        if asked.what == "networks":
            from jominy.show.network_figures import plot_network

            theory = network_results(asked.networks)
            title = asked.networks.mapping()["title"]
            return netcdf(theory) if asked.form == "nc" else png(plot_network(theory, theory, title=title))
        if asked.what == "map":
            from jominy.show.phase import plot_phase

            told = phase_result(self._forecasts, Map(state=asked.curves))
            return netcdf(told) if asked.form == "nc" else png(plot_phase(told))
        from jominy.show import plot

        told = self._forecasts.with_band(asked.curves, asked.rates)
        if asked.what == "curves":
            return netcdf(told) if asked.form == "nc" else png(plot(told))
        if self._runs is None or self._runs[0] != asked.curves:
            raise InputError("there are no runs of SGD at these settings", next_step="press Run it first")
        return netcdf(self._runs[1]) if asked.form == "nc" else png(plot(told, self._runs[1]))


_JOBS: dict[str, Callable[[RequestHandler, Any], Any]] = {
    name: getattr(RequestHandler, name)
    for name in (
        "columns",
        "open",
        "curve",
        "band",
        "beside",
        "design",
        "drawn",
        "network",
        "network_advice",
        "map",
        "run",
        "text",
        "file",
    )  # fmt: skip
}
