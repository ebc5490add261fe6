"""The host on the wire: how Splynx is asked and told. Owns tokens, requests and the shapes of its answers.

Must never know why something is asked: no rule of payments, no database and no web framework is in here.
"""
