"""Is the table of use for prediction?"""
