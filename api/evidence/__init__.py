"""Evidence packs: everything about one document in one ZIP, which checks itself without network."""
