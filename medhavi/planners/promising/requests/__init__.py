"""Promise requests, their files, and the policies they are answered by."""
