"""The chain as this product sees it: a JSON-RPC client, signed transactions, and a development chain."""
