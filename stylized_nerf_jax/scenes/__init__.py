"""Scenes: cameras, bounds, frames, paths; the folders have their sources.

`readers/` has a file for each format, `pictures/` what is no view of a scene
(paintings, photographs by themselves), `synthetic/` what is computed.
"""
