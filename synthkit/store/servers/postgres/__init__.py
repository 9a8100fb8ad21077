"""Tables in PostgreSQL: all of a publication appear at one instant, as its one transaction ends."""
