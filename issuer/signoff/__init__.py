"""Sign-off: from an accepted application through operator, checker and approver to the seal; corrections."""
