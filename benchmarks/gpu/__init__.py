"""Trainings on a GPU beside the CPU and SDV: time, quality, memory, and that no step waits for the device."""
