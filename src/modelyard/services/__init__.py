"""What people can ask for: one module per noun, one function per verb. Sync and thread-safe."""
