"""How the documentation is built: `make docs`. Nothing in it, or in what it makes, needs a network."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_extensions"))

from plain_figures import scraper  # noqa: E402

import jominy  # noqa: E402

project = "jominy"
version = release = jominy.__version__
author = "The jominy developers"
copyright = author

extensions = [
    "myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_gallery.gen_gallery", "mathml", "commands",
    "parts_table", "public_names",
]  # fmt: skip
exclude_patterns = ["_build", "_extensions"]
html_theme = "furo"
html_title = "jominy"
html_math_renderer = "mathml"
html_show_sphinx = False
templates_path: list[str] = []

myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # signatures stay short; the text says what each argument is
autodoc_default_options = {"members": True}
default_role = "code"
napoleon_use_ivar = True
napoleon_use_rtype = False

sphinx_gallery_conf = {
    "examples_dirs": "../examples/gallery",
    "gallery_dirs": "auto_gallery",
    "filename_pattern": r"\.py$",
    "image_scrapers": (scraper,),
    "reset_modules": (),
    "abort_on_example_error": True,
    "show_memory": False,
    "show_signature": False,
    "min_reported_time": 1e9,  # times of a busy machine say nothing
    "download_all_examples": False,
    "within_subsection_order": "FileNameSortKey",
    "write_computation_times": False,
    "capture_repr": ("__repr__",),
}
suppress_warnings = ["config.cache"]  # the scraper above is a function, which cannot be pickled
