"""Questions of this project's own."""
