"""What works without being asked."""
