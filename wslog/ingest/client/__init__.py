"""Close events of clients, as JSON lines: `close` is the format, `record` the exact way, `block` the fast one."""
