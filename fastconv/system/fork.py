"""Gives a forked child new locks, because another thread of its parent may have held the old ones."""

import os
from typing import Protocol
from weakref import WeakSet


class Renewable(Protocol):
    """What holds locks."""

    def renew(self) -> None:
        """Makes new locks; called once at first, and in each forked child."""


holders: WeakSet[Renewable] = WeakSet()


def renewed_in_children(holder: Renewable) -> None:
    """Call `holder.renew()` now and in every forked child, as long as `holder` exists (weak reference)."""
    holder.renew()
    holders.add(holder)


def renew_all() -> None:
    """Give every holder new locks; runs in a forked child."""
    for holder in list(holders):
        holder.renew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=renew_all)
