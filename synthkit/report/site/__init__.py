"""The static site of ``synth docs``: files in, pages out.

``gather`` reads what builds left on disk; from there on everything is a pure function of that :class:`SiteInput`:
``views`` (what each page says), ``axis``, ``graph`` and ``pictures`` (what it shows), ``render`` (HTML). ``output``
writes.
"""
