"""What the service asks others over HTTP."""
