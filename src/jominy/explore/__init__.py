"""The explorer: a page on this machine whose sliders move forecasts (`jominy explore`, extra ``[explore]``)."""
