"""Sites and what their owners promise, for whoever stands there: read, weighed, said."""
