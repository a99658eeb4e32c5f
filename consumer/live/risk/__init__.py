"""Whether an intent may become orders: what is asked of the account, and the rules that judge it."""
