"""What a table must prove before it is published: functions of real and synthetic rows, with error bars, and a gate.

A context of rows (:mod:`.context`) and parameters come in; a value, its interval, the floor of real rows and a
verdict go out. Imports nothing of ``graph`` or what follows it.
"""
