"""The interactive viewer: pictures that grow while nothing moves."""
