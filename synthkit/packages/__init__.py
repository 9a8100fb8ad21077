"""Packages of macros and SQL audits, brought to where the compiler reads them: what ``synth deps`` does.

What ``packages.yml`` asks for comes in; copies in ``synth_packages/`` and their lock go out. Imports nothing of
``exports`` or what follows it.
"""
