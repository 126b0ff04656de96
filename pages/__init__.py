"""What pages of the documentation tell of the code and of measures, written by the program.

Invariant: a section is a function of the settings classes, the topics and the last benchmark, and of nothing else.
"""
