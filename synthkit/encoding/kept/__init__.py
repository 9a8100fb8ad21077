"""Rules between columns kept by construction: what follows is left out of what is learnt, and put back.

Training rows and rules come in; a step that leaves computed, dependent and combined columns out, and gives drawn rows
back with every rule kept (:mod:`.step`), goes out.
"""
