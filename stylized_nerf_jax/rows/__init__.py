"""Rows of a batch: over devices, in blocks, and the random key of each."""
