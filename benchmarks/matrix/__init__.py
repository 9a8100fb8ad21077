"""Every generator on every table, seen through every audit: figures to choose a generator by."""
