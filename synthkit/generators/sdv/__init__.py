"""SDV's synthesizers of tables, of several tables and of sequences as generators."""
