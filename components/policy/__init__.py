"""Residency and security rules: pure functions over a resource's type and inputs. No SDK is imported here."""
