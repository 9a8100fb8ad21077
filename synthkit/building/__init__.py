"""From a plan to published tables: jobs, audits, publishing, the record of the run."""
