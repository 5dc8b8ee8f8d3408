import ast
import subprocess
import sys
from pathlib import Path

import pytest

import jominy


def test_every_public_name_is_there():
    for name in jominy.__all__:
        assert getattr(jominy, name) is not None


def test_type_checkers_see_the_same_names():
    tree = ast.parse(Path(jominy.__file__).read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {alias.asname: node.module for node in block.body for alias in node.names}
    assert seen == {name: f"jominy.{room}" for name, room in jominy._HOME.items()}


def test_unknown_name_says_what_there_is():
    with pytest.raises(AttributeError, match="forecast"):
        jominy.forcast  # noqa: B018


def test_import_is_light():
    heavy = "{'jax', 'numpy', 'xarray', 'pandas', 'matplotlib', 'pydantic', 'sklearn', 'scipy'}"
    code = f"import sys, jominy; dir(jominy); sys.exit(' '.join({heavy} & set(sys.modules)) or 0)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
