"""The ground floor: settings, database, errors, money, crypto, clock, logs. Imports nothing of ours from above."""
