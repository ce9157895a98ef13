"""Whose certificates a plugin shows and trusts."""
