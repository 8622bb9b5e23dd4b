"""What a `StylizedNerf` is made of: codes of styles, compiled renderers."""
