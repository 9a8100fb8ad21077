"""How many of the rules that hold in tables are found, how many more are told, and what that costs."""
