"""What a reviewer must know of a project at a commit, from the files in git alone.

A checkout comes in; findings go out, with no real row read and nothing run. Imports nothing of ``report`` or what
follows it.
"""
