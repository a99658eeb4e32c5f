"""Evidence: gathered on the target, judged here, rendered for people, and asked before anything is promoted."""
