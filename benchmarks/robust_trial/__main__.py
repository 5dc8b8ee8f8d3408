"""`python -m benchmarks.robust_trial run|score FILE [LIMIT]`."""

import sys
from pathlib import Path

from benchmarks.robust_trial.run import run
from benchmarks.robust_trial.score import score

what, file = sys.argv[1], Path(sys.argv[2])
if what == "run":
    run(file, int(sys.argv[3]) if len(sys.argv) > 3 else None)
else:
    print(score(file))
