"""Audits of rows that come one after another: gaps, lags, transitions, lengths, constants, counters."""
