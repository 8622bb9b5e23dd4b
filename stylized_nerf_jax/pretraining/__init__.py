"""The general training of decoder and VAE: `train-stylizer`."""
