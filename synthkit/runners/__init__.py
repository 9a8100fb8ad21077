"""Where an action runs: a job goes in as JSON, rows come out as Parquet under a key that makes a retry harmless."""
