"""Statutory deadlines and the calendar of working days, as tables."""
