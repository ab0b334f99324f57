"""What kind of text a file holds: a format of ours, wrapped or not, a known foreign log, or something else."""
