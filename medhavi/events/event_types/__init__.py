"""Types of events, their payloads and older versions."""
