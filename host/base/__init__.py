"""What those who look and those who change share; imports neither."""
