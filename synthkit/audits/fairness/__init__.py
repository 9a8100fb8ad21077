"""Are models of the table as fair, and all groups there?"""
