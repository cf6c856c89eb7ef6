"""Published data: where they come from, what they may be used for, and the proof that they are the same.

A module a data set; a new one needs no list edited.  For a machine without a network, put the published file
into a folder, as `tinyshakespeare/input.txt` or `mnist/...`, and name that folder in the config (`data:
folder`) or in the environment (`RNNLIMITS_DATA=folder`).  Planning imports these modules, so what is heavy is
imported where it is used.  Licences: THIRD_PARTY_DATA.md.
"""
