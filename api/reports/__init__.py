"""What consumers report: taken on the public site, sealed to an authority, handled at its desk."""
