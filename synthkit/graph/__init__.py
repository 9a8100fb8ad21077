"""Which model needs which: an order without circles, and the selection of a part of it.

Names and references come in; levels, circles and the names that a selector means go out. Imports nothing of
``compiler`` or what follows it.
"""
