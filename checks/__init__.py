"""Evidence: gathered on the target, judged here, rendered for people, asked before anything is promoted."""
