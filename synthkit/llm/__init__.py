"""Asking a teacher model: priced, kept, resumable.

An iterator of prompts comes in; answers go out (:class:`.session.Teacher`), in order, many at a time, within a limit
of money, and never paid for twice. Imports nothing of ``instruct`` or what follows it.
"""
