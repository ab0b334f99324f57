"""The commands of `wslog`, one module each, imported only when the command is run."""
