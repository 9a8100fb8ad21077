"""What a build would do and why: fingerprints, differences, states, the plan.

A manifest and what is published come in; an action per model, with its reason, goes out. Imports nothing of ``gc`` or
what follows it.
"""
