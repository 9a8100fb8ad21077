"""Sequential trees: each column is drawn from a decision tree over the columns before it."""
