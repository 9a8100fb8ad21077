"""Keys between tables, found in their rows: what names a row, and which columns name a row of another table.

Tables at rest come in (:mod:`.seen`), with what a catalogue declares of them; primary keys, foreign keys with their
evidence, and what orders the rows of one owner go out (:mod:`.find`). Names are judged in :mod:`.names`, values in
:mod:`.inclusion`; neither is believed alone where chance could explain it.
"""
