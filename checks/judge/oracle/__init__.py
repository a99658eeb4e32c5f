"""A second consumer, written from the contract and sharing nothing with the first; both are compared.

A fault would have to be made twice, in two programs, to stay unseen. Entry after entry (`history`): what it
means (`decoder`), its twins (`memory`), its plan (`planner`), what is wrong with the decision (`judgement`).
"""

from checks.judge.oracle.decoder import (
    SHAPES,
    Decoded,
    NoIntentError,
    decode,
    differences,
    is_proof,
    same,
    shape_of,
)
from checks.judge.oracle.history import disagreements
from checks.judge.oracle.judgement import Rules
from checks.judge.oracle.planner import PlanInputs

__all__ = [
    "SHAPES",
    "Decoded",
    "NoIntentError",
    "PlanInputs",
    "Rules",
    "decode",
    "differences",
    "disagreements",
    "is_proof",
    "same",
    "shape_of",
]
