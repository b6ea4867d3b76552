"""What stands between the pages and whoever sends requests: cookies, CSRF, headers, passwords, bounds."""
