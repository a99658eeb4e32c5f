"""A simulator of Binance's USD-M futures over HTTP, as far as python-binance's client uses it here."""
