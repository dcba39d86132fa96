"""Documents that others have made: read with suspicion, checked against roots that the operator names."""
