"""`modelyard up`: the parts of a yard on one machine, started, watched and stopped as one. Needs no extra."""
