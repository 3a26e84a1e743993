"""What is saved: the environment folder, what is in it, and how that becomes the layers of an image."""
