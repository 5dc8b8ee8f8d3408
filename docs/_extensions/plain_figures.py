"""Figures for the gallery: those that a script holds in variables, since jominy's do not go through pyplot."""

from matplotlib.figure import Figure
from sphinx_gallery.scrapers import figure_rst


def scraper(block, block_vars, gallery_conf):
    """Save each new figure of a block; one that an earlier block drew is not shown again."""
    held = block_vars["example_globals"]
    shown = held.setdefault("_shown_figures", set())
    paths = []
    for value in list(held.values()):
        if isinstance(value, Figure) and id(value) not in shown:
            shown.add(id(value))
            path = next(block_vars["image_path_iterator"])
            value.savefig(path, metadata={"Software": None})
            paths.append(path)
    return figure_rst(paths, gallery_conf["src_dir"])
