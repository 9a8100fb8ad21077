"""Between a table and a generator: what is learnt, and what is made up."""
