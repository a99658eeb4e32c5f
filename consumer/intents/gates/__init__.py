"""The questions that an intent passes, in this order: cutover, age, hold, halt, duplicate, risk.

Halt and duplicate are answered by the settle script, because only there the answer cannot change before the
decision is written; what stands here says to whom they apply.
"""
