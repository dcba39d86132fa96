"""The only place that knows HTTP: roles, routes, schemas and pages."""
