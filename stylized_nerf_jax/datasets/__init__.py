"""Builders of TensorFlow Datasets: what a record of each holds.

The modules here import TFDS, and are imported only to write a dataset. Reading
one needs none of them: TFDS finds the features in its files.
"""
