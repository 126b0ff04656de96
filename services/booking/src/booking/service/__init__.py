"""The use cases. Each owns its transaction: what it changed, recorded and published commits together, or not at all."""
