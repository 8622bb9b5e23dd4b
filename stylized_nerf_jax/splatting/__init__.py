"""Scenes as 3D Gaussians: what they are, and pictures of them."""
