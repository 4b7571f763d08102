"""Commands on events, tables and models."""
