"""All SQL of the booking service. Every function takes a connection, joins its transaction and never commits."""
