"""Which views of a scene are worked on, where that is not all of them."""
