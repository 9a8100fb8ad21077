"""What a build would do and why: fingerprints, differences, states, the plan."""
