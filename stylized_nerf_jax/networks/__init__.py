"""What a config asks for, built: fields, 2D networks, blocks of rays."""
