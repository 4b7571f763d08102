"""Files and folders that runs read and write."""
