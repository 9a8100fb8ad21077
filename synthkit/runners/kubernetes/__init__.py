"""Jobs as pods of a Kubernetes cluster; only :mod:`.executor` imports its client, and only what waits runs there.

Jobs lie as JSON in the project's folder, on a claim that every pod mounts; each part of an Indexed Job carries out the
one of its number and leaves its result beside it. So a manifest can be applied without a coordinator, and a retry is
harmless.
"""
