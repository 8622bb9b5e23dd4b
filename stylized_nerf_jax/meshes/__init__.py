"""Surfaces of a radiance field, as triangles."""
