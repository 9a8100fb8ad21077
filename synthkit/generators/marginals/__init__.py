"""Synthesis from noisy marginals under differential privacy: measure, infer a graphical model, draw from it."""
