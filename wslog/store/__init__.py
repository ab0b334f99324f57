"""The history store: facts of every delivery, and the weeks derived from them. Its doors are `Store` and `Week`."""

from wslog.store.store import Appended, Store
from wslog.store.weeks import Week

__all__ = ["Appended", "Store", "Week"]
