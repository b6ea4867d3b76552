"""The editors' web application and the HTTP API. It knows the catalog, and neither the model nor Celery."""
