"""Scenes taken elsewhere: which formats there are, and what each is made of."""
