"""Reports: pure functions of faults, events and run results."""
