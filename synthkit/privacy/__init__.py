"""Differential privacy: public knowledge, mechanisms, accounting, noise, the ledger."""
