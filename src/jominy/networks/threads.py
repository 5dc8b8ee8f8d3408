"""How many threads PyTorch uses in this process."""

import torch


def one_thread() -> None:
    """One: for a process that has others like it beside it.

    >>> before = torch.get_num_threads()
    >>> one_thread()
    >>> torch.get_num_threads()
    1
    >>> torch.set_num_threads(before)
    """
    torch.set_num_threads(1)
