"""All SQL of the dispatcher. Functions take the caller's connection and never commit."""
