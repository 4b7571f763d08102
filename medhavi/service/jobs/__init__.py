"""Long work of the server in processes of its own: what is asked, who does it."""
