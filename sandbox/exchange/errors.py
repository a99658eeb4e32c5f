"""The exchange's refusals: code, HTTP status and words, as its documentation or the field has them."""

from __future__ import annotations

from enum import Enum

_UNRECORDED = "The order will not be recorded in the order history"


class Refusal(Enum):
    """(code, HTTP status, message); `%s` in a message is filled in by who raises it."""

    BAD_RECV_WINDOW = (-1131, 400, "recvWindow must be less than 60000")
    TIMESTAMP_OLD = (-1021, 400, "Timestamp for this request is outside of the recvWindow.")
    TIMESTAMP_AHEAD = (-1021, 400, "Timestamp for this request was 1000ms ahead of the server's time.")
    BAD_SIGNATURE = (-1022, 400, "Signature for this request is not valid.")
    ILLEGAL_CHARACTERS = (-1100, 400, "Illegal characters found in parameter '%s'; legal range is '%s'.")
    MANDATORY = (-1102, 400, "Mandatory parameter '%s' was not sent, was empty/null, or malformed.")
    EITHER = (-1102, 400, "Param '%s' or '%s' must be sent, but both were empty/null!")
    NOT_REQUIRED = (-1106, 400, "Parameter '%s' sent when not required.")
    BAD_PRECISION = (-1111, 400, "Precision is over the maximum defined for this asset.")
    BAD_TIME_IN_FORCE = (-1115, 400, "Invalid timeInForce.")
    BAD_TYPE = (-1116, 400, "Invalid orderType.")
    BAD_SIDE = (-1117, 400, "Invalid side.")
    BAD_SYMBOL = (-1121, 400, "Invalid symbol.")
    CANCEL_UNKNOWN = (-2011, 400, "Unknown order sent.")
    NO_SUCH_ORDER = (-2013, 400, "Order does not exist.")
    BAD_KEY_FORMAT = (-2014, 401, "API-key format invalid.")
    REJECTED_KEY = (-2015, 401, "Invalid API-key, IP, or permissions for action, request ip: %s")
    MARGIN_INSUFFICIENT = (-2019, 400, "Margin is insufficient.")
    WOULD_TRIGGER = (-2021, 400, "Order would immediately trigger.")
    REDUCE_ONLY_REJECTED = (-2022, 400, "ReduceOnly Order is rejected.")
    PRICE_ABOVE_MAX = (-4002, 400, "Price greater than max price.")
    QUANTITY_NOT_POSITIVE = (-4003, 400, "Quantity less than or equal to zero.")
    QUANTITY_BELOW_MIN = (-4004, 400, "Quantity less than min quantity.")
    QUANTITY_ABOVE_MAX = (-4005, 400, "Quantity greater than max quantity.")
    PRICE_BELOW_MIN = (-4013, 400, "Price less than min price.")
    PRICE_OFF_TICK = (-4014, 400, "Price not increased by tick size.")
    CLIENT_ID_TOO_LONG = (-4015, 400, "Client order id length should be less than 36 chars")
    PRICE_ABOVE_CAP = (-4016, 400, "Price is higher than mark price multiplier cap.")
    QUANTITY_OFF_STEP = (-4023, 400, "Qty not increased by step size.")
    PRICE_BELOW_FLOOR = (-4024, 400, "Price is lower than mark price multiplier floor.")
    BAD_LEVERAGE = (-4028, 400, "Leverage %s is not valid")
    TOO_MANY_STOPS = (-4045, 400, "Reach max stop order limit.")
    SAME_MARGIN_TYPE = (-4046, 400, "No need to change margin type.")
    MARGIN_TYPE_HAS_ORDERS = (-4047, 400, "Margin type cannot be changed if there exists open orders.")
    MARGIN_TYPE_HAS_POSITION = (-4048, 400, "Margin type cannot be changed if there exists position.")
    SAME_POSITION_MODE = (-4059, 400, "No need to change position side.")
    POSITION_SIDE_MISMATCH = (-4061, 400, "Order's position side does not match user's setting.")
    MODE_HAS_ORDERS = (-4067, 400, "Position side cannot be changed if there exists open orders.")
    MODE_HAS_POSITION = (-4068, 400, "Position side cannot be changed if there exists position.")
    DUPLICATE_CLIENT_ID = (-4116, 400, "ClientOrderId is duplicated.")
    USE_ALGO_ENDPOINT = (
        -4120,
        400,
        "Order type not supported for this endpoint. Please use the Algo Order API endpoints instead.",
    )
    CLOSE_POSITION_EXISTS = (
        -4130,
        400,
        "An open stop or take profit order with GTE and closePosition in the direction is existing.",
    )
    QUANTITY_WITH_CLOSE = (-4137, 400, "Quantity must be zero with closePosition equals true.")
    BELOW_MIN_NOTIONAL = (
        -4164,
        400,
        "Order's notional must be no smaller than %s (unless you choose reduce only).",
    )
    FOK_REJECTED = (
        -5021,
        400,
        "Due to the order could not be filled immediately, the FOK order has been rejected. " + _UNRECORDED,
    )
    POST_ONLY_REJECTED = (
        -5022,
        400,
        "Due to the order could not be executed as maker, the Post Only order will be rejected. "
        + _UNRECORDED,
    )


class ExchangeError(Exception):
    """Raised for a request that the exchange refuses; it becomes the body and status of the answer."""

    def __init__(self, refusal: Refusal, *details: object) -> None:
        self.refusal = refusal
        self.code, self.status, words = refusal.value
        self.message = words % details
        super().__init__(f"{self.code}: {self.message}")

    @property
    def body(self) -> dict[str, object]:
        """The JSON body of the answer."""
        return {"code": self.code, "msg": self.message}
