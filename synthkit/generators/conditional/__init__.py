"""p(cell | cells before), learnt by boosted trees over a binary tree of a column's cells, and drawn from."""
