"""Makes what is follow what should be."""
