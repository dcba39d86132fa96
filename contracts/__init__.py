"""The on-chain half: Solidity sources, committed artefacts and their typed codec."""
