"""Asking a language model: requests that are priced, kept, and never paid for twice."""
