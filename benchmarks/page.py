"""docs/benchmarks.md from the kept figures."""

from pathlib import Path

HEAD = """# Speed

`make bench` measures everything again and writes this page from `benchmarks/latest.json`; `python -m benchmarks --help`
lists the benchmarks, and each can be run alone. Opponents do the same work and take turns with jominy in one run, after
a run of each that is not counted; figures are medians, with the fastest and the slowest run in brackets. A turn
lasts a tenth of a second at least, so that what takes milliseconds is warm. A ratio is the opponent's time over
jominy's, median over the turns. Each figure stands beside others of the same machine and the same minutes.
"""


def sections(text: str) -> dict[str, str]:
    """What stands on a page under each heading."""
    found = {}
    for part in text.split("\n## ")[1:]:
        heading, _, rest = part.partition("\n")
        found[heading] = f"## {heading}\n{rest.rstrip()}\n"
    return found


def write_page(kept: dict, path: Path) -> None:
    """Tables of all benchmarks, one after the other; those measured elsewhere stay as they are, in their place."""
    measured = sections("\n" + "\n".join(_measured(kept)))
    told = sections(path.read_text()) if path.exists() else {}
    path.write_text("\n".join([HEAD, *(told | measured).values()]))


def _measured(kept: dict) -> list[str]:
    parts: list[str] = []
    for name, found in kept.items():
        machine, load = found["machine"], found["load"]
        parts.append(
            f"## {name.replace('_', ' ').capitalize()}\n\n{machine['cores']} cores ({machine['processor']}), Python "
            f"{machine['python']}, load {load[0]:.1f} before and {load[1]:.1f} after.\n\n"
            "| work | jominy | opponent | ratio | wanted | |\n|---|---|---|---|---|---|"
        )
        rows = []
        for row in found["rows"]:
            ratio = "" if row["ratio"] is None else f"{row['ratio']:.3g}"
            met = {True: "met", False: "**not met**", None: ""}[row["met"]]
            rows.append(f"| {row['work']} | {row['jominy']} | {row['opponent']} | {ratio} | {row['wanted']} | {met} |")
        notes = [f"- {row['work']}: {row['note']}" for row in found["rows"] if row["note"]]
        parts[-1] += "\n" + "\n".join(rows) + "\n"
        if notes:
            parts.append("\n".join(notes) + "\n")
    return parts
