"""What nothing needs any more, found and removed: scratch (:mod:`.scratch`) and old versions (:mod:`.old`).

A manifest and what lies in its folders come in; files to remove, with their sizes, go out. Imports nothing of
``runners`` or what follows it.
"""
