"""The better of two generators for this table: found by rows that are held out, drawn from by its own ways."""
