"""The pages, one module per noun. Each has `add_pages(router, site)`."""
