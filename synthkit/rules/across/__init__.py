"""Rules across tables: read from text, and held against the rows of tables that hang together by keys."""
