"""SDV's single-table synthesizers as generators."""
