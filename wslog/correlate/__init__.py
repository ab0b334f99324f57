"""Events of all tiers in; one row per connection attempt out, on one clock."""

from wslog.correlate.join import Joined, join_tiers

__all__ = ["Joined", "join_tiers"]
