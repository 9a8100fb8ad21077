"""Databases whose dependences are known, because they were made so: what is kept of each when they are drawn."""
