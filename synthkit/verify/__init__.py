"""What a reviewer must know of a project at a commit, from the files in git alone: no real rows, nothing run."""
