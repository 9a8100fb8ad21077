"""What the neural generators share: the layout of a row, conditions, networks, training, calibration."""
