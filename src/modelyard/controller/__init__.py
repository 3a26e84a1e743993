"""Makes what is follow what should be: list, compare, act, and again. Every step may run twice."""
