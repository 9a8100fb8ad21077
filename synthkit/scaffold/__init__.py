"""New projects: a scaffold that builds at once, and YAML written by looking at a file."""
