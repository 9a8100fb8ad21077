"""Differential privacy: what is known without paying, what mechanisms cost, what was spent, and what may be published.

Declarations and mechanisms come in; (ε, δ), noise, ledger entries and records without what must not be told go out.
Imports nothing of ``rules`` or what follows it.
"""
