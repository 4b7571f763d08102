"""Events in KurrentDB."""
