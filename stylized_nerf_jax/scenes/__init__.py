"""Scenes: cameras, bounds, frames and paths; what they are read from is below.

`readers/` has a file for each format, `pictures/` what is no view of a scene
(paintings, photographs by themselves), `synthetic/` what is computed.
"""
