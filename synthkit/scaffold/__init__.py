"""New projects: a scaffold that builds at once, and YAML written by looking at a file.

A folder or a file comes in; YAML goes out. Imports nothing of ``packages`` or what follows it.
"""
