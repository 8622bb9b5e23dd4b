"""Radiance fields, the protocol they keep, the style field and its codes."""
