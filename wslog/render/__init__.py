"""Readings of one Document: text, Markdown, JSON, a page, charts. Pure functions: no clock, no terminal, no file."""
