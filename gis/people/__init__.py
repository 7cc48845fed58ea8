"""People: who somebody is, what they hold to prove it, what they may do, what they did."""
