"""The incident in a box: a stand-in stack, its stream, its producers and an exchange simulator."""
