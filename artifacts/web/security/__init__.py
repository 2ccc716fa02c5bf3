"""What stands between the network and the pages: hosts, token, forged changes, headers."""
