"""Entry → intent → gates → levels → plan → decision. Pure: nothing here reaches out."""
