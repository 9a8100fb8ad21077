"""A context's rows as arrays that audits compare: codes, counts, points, and their sampling errors."""
