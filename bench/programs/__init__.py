"""Programs that a run starts in processes of their own: generators, references, the receiver."""
