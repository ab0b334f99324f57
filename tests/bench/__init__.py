"""How fast wslog is, and how much memory it takes, against baselines and peers in the same run."""
