"""SQL that others wrote, before it runs; types and values that a published table may hold."""
