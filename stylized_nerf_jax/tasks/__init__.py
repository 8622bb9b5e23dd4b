"""What one command does, above the model."""
