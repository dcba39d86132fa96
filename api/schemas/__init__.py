"""Shapes of requests and responses, for OpenAPI and for tests; requests are read by the core's strict reader."""
