"""One item of an instruction table, its tokens and n-grams, and items near it."""
