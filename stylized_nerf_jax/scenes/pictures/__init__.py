"""Pictures without cameras: files, collections, crops, style sets."""
