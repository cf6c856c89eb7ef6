"""Published data: where they come from, what they may be used for, and the proof that they are the same."""
