"""The core: one function takes money, one books it, one finds out what became of it. Never imports Flask."""
