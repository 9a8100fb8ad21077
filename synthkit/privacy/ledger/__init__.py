"""What was spent of whose privacy: entries, their chain, and the file that is only appended to."""
