"""How far the audits can be trusted, and how long they take: `python -m benchmarks.audits calibration|speed`."""
