"""The probabilistic circuit: a hidden Chow-Liu tree trained by EM, refined by a boosted density ratio."""
