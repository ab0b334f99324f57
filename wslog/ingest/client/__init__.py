"""Close events of clients, as JSON lines: `close.py` is the format, `record.py` the exact way, `block.py` the fast."""
