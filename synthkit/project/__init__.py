"""A project's YAML and Jinja, read into frozen specs: each key says what it decides, and knows its place.

A folder comes in; a :class:`.project.Project` and its specs go out, or faults with file, line and column. Imports
nothing of ``objects`` or what follows it.
"""
