"""Everything outside this room works without PyTorch, and the names of this room say what to install."""

import subprocess
import sys

CODE = """
import sys
class Absent:  # torch as if it were not installed
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "safetensors"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
import jominy as jm
names = [name for name in jm.__all__ if getattr(jm, name) is None]
assert not names
net = jm.Architecture(3, 8, 4, 2, weight_variance=2.0)
try:
    jm.RandomNetwork(net, seed=0)
except jm.InputError as error:
    print(error)
"""


def test_a_network_function_names_the_extra():
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "PyTorch is needed here, and is not installed" in done.stdout
    assert "pip install -c constraints.txt '.[torch]'" in done.stdout
