"""What several replicas share: Redis, what is secret in it encrypted, and the processes of a machine."""
