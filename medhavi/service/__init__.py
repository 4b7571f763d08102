"""The apps on this machine: server, landing page, health, and what pages load."""
