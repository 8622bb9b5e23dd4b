"""What phases 2 and 3 see of the training views, kept on disk."""
