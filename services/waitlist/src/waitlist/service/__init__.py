"""The use cases: they ask booking, open the transaction, let the rules decide, and write what came of it."""
