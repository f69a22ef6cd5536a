"""What of a conversation a model is sent: never more than it reads for one answer."""
