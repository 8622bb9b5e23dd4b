"""What several experiments share; nothing here is run by itself."""
