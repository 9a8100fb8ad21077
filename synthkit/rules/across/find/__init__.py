"""Rules across tables that hold in all rows that there are: totals, copies along keys, dates and numbers in order."""
