"""Pixels of many views: on the device, in a file, and where each lies."""
