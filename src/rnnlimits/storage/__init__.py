"""Files that are there whole or not at all, locks that end with their process, damage told, text kept text.

Nothing here knows what it stores, loads torch or pandas, or can change a number."""
