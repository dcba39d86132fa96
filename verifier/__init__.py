"""Offline checks: trusts nothing that the operator says."""
