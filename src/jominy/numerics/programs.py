"""A bound on the compiled programs that a process keeps."""

from pathlib import Path

import jax

MAPS, LIMIT = Path("/proc/self/maps"), Path("/proc/sys/vm/max_map_count")
EVERY = 100
"""So many programs are compiled between two looks; each takes about a hundred memory maps."""
_compiled = 0


def _count(event: str, duration_secs: float, **kwargs: str | int) -> None:
    global _compiled
    _compiled += event == "/jax/core/compile/backend_compile_duration"


jax.monitoring.register_event_duration_secs_listener(_count)


def make_room() -> None:
    """Let go of all compiled programs once the process has half the memory maps that Linux allows it.

    At the end of them, after a few hundred problems of different shapes, XLA crashes and takes the process with it.
    What is asked again is compiled again. Other systems know no such limit.
    """
    global _compiled
    if _compiled < EVERY:
        return
    _compiled = 0
    if MAPS.exists() and LIMIT.exists() and 2 * MAPS.read_bytes().count(b"\n") > int(LIMIT.read_text()):
        jax.clear_caches()
