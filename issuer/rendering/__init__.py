"""What institutions print: QR pictures."""
