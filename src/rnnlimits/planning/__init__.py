"""From a config to shards, with the memory, the time and the code behind each; trains nothing.

Never torch, never pandas; and nothing here can change a number that a shard measures, so an edit here makes
no shard run again."""
