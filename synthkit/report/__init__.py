"""What people see: console, pages, annotations, the site.

Faults, events and results come in; text goes out, as a pure function of them. Imports nothing of ``scaffold`` or what
follows it.
"""
