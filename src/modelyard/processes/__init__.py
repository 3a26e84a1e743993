"""Processes of one machine: limits, identities that survive restarts, and ending whole trees. Standard library only."""
