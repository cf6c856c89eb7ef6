"""One shard ─► rows: build the replicas, train them, choose on validation, read test once, probe."""
