"""Regions: a part of a scene from a mask, a box or a few clicks."""
