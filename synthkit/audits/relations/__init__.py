"""Audits of tables that hang together: keys, children per parent, what goes together across a key, entities."""
