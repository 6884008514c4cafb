"""Providers with the true schemas and no cloud behind them; see provider.py."""
