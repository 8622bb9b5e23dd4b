"""Style fields painted on rays and windows: what a finish is made of."""
