"""From paths to numbered lines: which files, uncompressed, in blocks, and whether it is text at all."""
