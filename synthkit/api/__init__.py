"""What Python programs and notebooks call; ``synthkit`` itself gives every name of it.

A project's folder or a table at hand comes in; a plan, typed results or a model that draws goes out, and nothing is
printed. Imports nothing of ``cli`` or what follows it.
"""
