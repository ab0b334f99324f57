"""One row per connection in; its cause, tier, confidence and evidence out, with the clusters and bursts found."""

from wslog.classify.explain import Explained, explain_closes

__all__ = ["Explained", "explain_closes"]
