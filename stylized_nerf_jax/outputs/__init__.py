"""What is written for people: pictures, videos, curves, scenes."""
