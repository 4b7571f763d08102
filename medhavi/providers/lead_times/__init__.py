"""Lead times of suppliers, lanes and routings, stated or estimated."""
