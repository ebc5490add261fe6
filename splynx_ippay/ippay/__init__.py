"""The gateway on the wire: bytes in, outcome out. Knows no Flask, no database, and nothing of Splynx."""
