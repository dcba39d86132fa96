"""The verifier once more, as plain ES modules for browsers: each module is named as the Python module it follows."""
