"""HTTP in front of the services: routes that parse, ask a service function, and answer with its value."""
