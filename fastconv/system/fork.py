"""Gives a forked child new locks, because another thread of its parent may have held the old ones."""

import os
from weakref import WeakSet

holders = WeakSet()


def renewed_in_children(holder):
    """Call `holder.renew()` now and in every forked child, as long as `holder` exists (weak reference)."""
    holder.renew()
    holders.add(holder)


def renew_all():
    for holder in list(holders):
        holder.renew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=renew_all)
