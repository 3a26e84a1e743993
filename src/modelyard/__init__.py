"""modelyard: from a notebook to a versioned container to a fleet of training runs."""

__version__ = "0.1.0"
