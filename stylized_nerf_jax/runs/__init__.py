"""A run: its folder, its lock, and what a training loop does for it."""
