"""Optimizer steps over all devices, their state, checkpoints and log."""
