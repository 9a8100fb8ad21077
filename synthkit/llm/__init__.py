"""Asking a teacher model: priced, kept, resumable.

:class:`.session.Teacher` turns an iterator of prompts into an iterator of answers, in order, with many
requests in flight, within a limit of money, and without ever paying for an answer that is kept already.
"""
