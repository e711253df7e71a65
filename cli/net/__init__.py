"""The asyncio HTTP client that every verb which reads uses."""
