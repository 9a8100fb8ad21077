"""A project's YAML and Jinja, read into frozen specs: each key says what it decides, and knows its place."""
