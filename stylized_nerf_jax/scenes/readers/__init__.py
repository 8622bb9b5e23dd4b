"""Scene files: `formats.load_scene`, and one reader for each format."""
