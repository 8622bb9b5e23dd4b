"""Procedural painters: each returns one picture from a random generator."""
