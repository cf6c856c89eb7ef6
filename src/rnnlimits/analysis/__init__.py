"""Rows ─► what is read: tables, verdicts, figures, reports, and the way back from a number to its rows.

Never torch: everything here works on archived rows."""
