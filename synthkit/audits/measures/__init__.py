"""Pure mathematics of audits: arrays in, figures with errors out; nothing of contexts or tables."""
