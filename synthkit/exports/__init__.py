"""Published tables in the forms that other tools read, each with its data sheet, its guarantee and its verdicts.

Tables whose bytes are what their receipts say come in; a folder or file goes out, whole or not at all. Imports nothing
of ``api`` or what follows it.
"""
