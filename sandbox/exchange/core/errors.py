"""The exchange's refusals: code, HTTP status and words, as its documentation or the field has them."""

from __future__ import annotations

from enum import Enum

_USE_WEBSOCKET = "Please use the websocket for live updates "
_EXEMPT = "Reduce-only/close-position orders are exempt. "
_UNRECORDED = "The order will not be recorded in the order history"


class RefusalCode(Enum):
    """(code, HTTP status, message); `%s` in a message is filled in by who raises it."""

    UNKNOWN = (-1000, 503, "Unknown error, please check your request or try again later.")
    INTERNAL = (-1001, 503, "Internal error; unable to process your request. Please try again.")
    TOO_MANY_REQUESTS = (
        -1003,
        429,
        "Too many requests; current limit is %s requests per minute. "
        + _USE_WEBSOCKET
        + "to avoid polling the API.",
    )
    BANNED = (
        -1003,
        418,
        "Way too many requests; IP(%s) banned until %s. " + _USE_WEBSOCKET + "to avoid bans.",
    )
    UNEXPECTED_RESPONSE = (
        -1006,
        503,
        "An unexpected response was received from the message bus. Execution status unknown.",
    )
    TIMEOUT = (
        -1007,
        408,
        "Timeout waiting for response from backend server. Send status unknown; execution status unknown.",
    )
    OVERLOADED = (
        -1008,
        503,
        "Request throttled by system-level protection. " + _EXEMPT + "Please try again.",
    )
    TOO_MANY_ORDERS = (-1015, 429, "Too many new orders; current limit is %s orders per %s.")
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
    NO_LISTEN_KEY = (-1125, 400, "This listenKey does not exist.")
    INTERVAL_TOO_LONG = (
        -1127,
        400,
        "Lookup interval is too big. More than %s hours between startTime and endTime.",
    )
    CANCEL_UNKNOWN = (-2011, 400, "Unknown order sent.")
    NO_SUCH_ORDER = (-2013, 400, "Order does not exist.")
    BAD_KEY_FORMAT = (-2014, 401, "API-key format invalid.")
    REJECTED_KEY = (-2015, 401, "Invalid API-key, IP, or permissions for action, request ip: %s")
    MARGIN_INSUFFICIENT = (-2019, 400, "Margin is insufficient.")
    WOULD_TRIGGER = (-2021, 400, "Order would immediately trigger.")
    REDUCE_ONLY_REJECTED = (-2022, 400, "ReduceOnly Order is rejected.")
    TOO_MANY_OPEN = (-2025, 400, "Reach max open order limit.")
    POSITION_TOO_LARGE = (-2027, 400, "Exceeded the maximum allowable position at current leverage.")
    LEVERAGE_TOO_SMALL = (-2028, 400, "Leverage is smaller than permitted: insufficient margin balance.")
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
    REDUCE_ONLY_COVERED = (
        -4118,
        400,
        "ReduceOnly Order Failed. Please check your existing position and open orders",
    )
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
    ISOLATED_LEVERAGE = (
        -4161,
        400,
        "Leverage reduction is not supported in Isolated Margin Mode with open positions.",
    )
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
    TOO_LATE = (-5028, 400, "Timestamp for this request is outside of the ME recvWindow.")

    @classmethod
    def of_code(cls, code: int) -> RefusalCode | None:
        """Return the first refusal with this code."""
        return next((error for error in cls if error.value[0] == code), None)


class ExchangeError(Exception):
    """Raised for a request that the exchange refuses; it becomes the body and status of the answer."""

    def __init__(self, refusal: RefusalCode, *details: object, headers: dict[str, str] | None = None) -> None:
        self.refusal = refusal
        self.headers = headers or {}
        self.code, self.status, words = refusal.value
        self.message = words % details
        super().__init__(f"{self.code}: {self.message}")

    @property
    def body(self) -> dict[str, object]:
        """The JSON body of the answer."""
        return self.body_of(self.code, self.message)

    @staticmethod
    def body_of(code: int, message: str) -> dict[str, object]:
        """Return the JSON body of any refusal."""
        return {"code": code, "msg": message}
