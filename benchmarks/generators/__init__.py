"""The native generators beside their peers: how well, how fast, in how much memory."""
