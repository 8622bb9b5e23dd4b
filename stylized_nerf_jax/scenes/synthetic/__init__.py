"""The embedded scene and generated paintings: computed, never read."""
