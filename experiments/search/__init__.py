"""Searches: runs whose trials Optuna draws, a generation at a time.

`parse` and `space` say what is drawn from, `sampling` draws, `generations` keeps what was
drawn, `searcher` has it trained and `best` sums it up.
"""
