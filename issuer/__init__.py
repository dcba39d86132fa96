"""One institution's desk: drafts, gate, numbers, seal keys, QR pictures."""
