"""The 2D stylizer: encoder, AdaIN, decoder, VAE, and their weights."""
