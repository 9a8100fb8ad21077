"""Does the table look like real rows that nobody trained on?"""
