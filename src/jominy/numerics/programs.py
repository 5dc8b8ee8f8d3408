"""How programs are compiled, and a bound on those that a process keeps."""

import contextlib
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jaxlib

MAPS, LIMIT = Path("/proc/self/maps"), Path("/proc/sys/vm/max_map_count")
EVERY = 100
"""So many programs are compiled between two looks; each takes about a hundred memory maps."""
_compiled = 0


_EMITTERS = jaxlib.__version__.startswith("0.10.")  # other compilers may not know the flag, and refuse
QUICKLY_COMPILED = {"xla_cpu_use_fusion_emitters": False} if _EMITTERS else {}
"""Options of a program that runs for milliseconds: compiled twice as quickly, and no slower."""


FULLY_OPTIMISED: dict[str, bool | int] = {"xla_backend_optimization_level": 3, **QUICKLY_COMPILED}
"""Options of a program that sums for seconds, also where the process asks for programs that compile quickly."""


def jit_lightly(function: Callable[..., Any], loops: bool = False, **options: Any) -> Callable[..., Any]:
    """`jax.jit` for programs whose time goes by long sums: compiled in half the time and as fast.

    `loops`: for few kernels that go over many numbers each, which are then twice as fast; of many kernels each takes
    longer to compile that way.
    """
    lightly: dict[str, bool | int] = {"xla_backend_optimization_level": 1}
    if _EMITTERS:
        lightly["xla_cpu_use_fusion_emitters"] = loops
    return jax.jit(function, compiler_options=lightly, **options)


_begun: set[Callable[..., Any]] = set()


def asked_before(function: Callable[..., Any]) -> bool:
    """Whether `compile_beside` has been asked for a function, and has nothing more to do."""
    return function in _begun


def compile_beside(function: Callable[..., Any], arguments: Callable[[], tuple[Any, ...]]) -> Callable[[], None]:
    """Compile a program on another core while other work goes on.

    Each function once a process: what is asked later is mostly of shapes that are compiled. `arguments` makes some of
    the shapes and kinds that the program will be called with; their values do not matter. Returns what waits for the
    end, to be called before the program is.
    """
    if asked_before(function):
        return lambda: None
    _begun.add(function)
    # Traced here: two threads that both run Python get in each other's way; XLA's compiler needs none.
    lowered = function.lower(*arguments())  # type: ignore[attr-defined]

    def compiled() -> None:
        # Where the compiler fails it does so again when the program is called, in the thread that can tell the user.
        with contextlib.suppress(Exception):
            lowered.compile()

    thread = threading.Thread(target=compiled, name="compiler")
    thread.start()
    return thread.join


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
