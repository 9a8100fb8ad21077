"""Object stores: S3 and what speaks its protocol, Google Cloud Storage, Azure Blob Storage, through obstore.

Addresses and keys come in; objects go out, each whole or not at all, and a write that only the first of two makes.
The package obstore is an extra, imported when an address is first used. Imports nothing of ``sources`` or what follows
it.
"""
