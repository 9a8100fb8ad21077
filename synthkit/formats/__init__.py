"""How values are written that mean something else than their text or digits: what reads them, and writes them back.

A written form such as ``%-m/%-d/%Y`` and an Arrow array of text or whole numbers come in; the array of what it means
goes out, with a mask of what the form fits, and the way back is exact there. Imports nothing of ``project`` or what
follows it.
"""
