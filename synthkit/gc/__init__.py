"""What nothing needs any more, found and removed: scratch (:mod:`.scratch`) and old versions (:mod:`.old`)."""
