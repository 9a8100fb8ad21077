"""What changed since the last published version."""
