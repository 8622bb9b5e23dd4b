"""The three phases of a run: `pipeline.train` takes them in their order."""
