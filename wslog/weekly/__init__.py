"""From one week's connections to its summary, and from a dozen summaries to the weekly report."""

from wslog.weekly.pair import compare_weeks
from wslog.weekly.report import write_report
from wslog.weekly.summary import summarize_week

__all__ = ["compare_weeks", "summarize_week", "write_report"]
