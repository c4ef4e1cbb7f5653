"""Rates, statistics, retention: what keeps a node healthy and says so."""
