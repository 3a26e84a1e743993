"""Plain values and rules. Standard library only, and no I/O: everything else may import this, it imports nothing."""
