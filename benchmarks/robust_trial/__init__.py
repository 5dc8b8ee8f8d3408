"""A prospective trial of the index chi: 60 designs, two seeds each, trained with and without attacks.

    python -m benchmarks.robust_trial run trials.jsonl      (an hour on one core; goes on where it stopped)
    python -m benchmarks.robust_trial score trials.jsonl    (the tables of docs/robust-trial.md)

The design is that of docs/robust-trial.md, written before the first of these trainings was run.
"""
