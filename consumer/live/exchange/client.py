"""The account at the exchange, through python-binance: one request per call, never repeated, nothing guessed.

The client is built without its network calls (those go to the spot host), its clock is set by the futures
host, and every decimal travels as text. What can be raised is what consumer.live.exchange.errors makes of it.
"""

from __future__ import annotations

import asyncio
import time
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from aiohttp import ClientTimeout, TCPConnector, TraceConfig
from binance import AsyncClient

from consumer.live.exchange import errors, schemas
from consumer.live.exchange.door import PATIENCE_S, cost_of, is_urgent
from consumer.live.exchange.port import (
    Account,
    AlgoState,
    Income,
    LimitOrder,
    MarketOrder,
    OrderState,
    Position,
    StopOrder,
    SymbolConfig,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from types import SimpleNamespace

    from consumer.intents.filters import Filters
    from consumer.live.exchange.door import Door
    from consumer.live.exchange.errors import Endpoint
    from consumer.live.exchange.limiter import Cost

#: For how long the exchange takes a request after its timestamp, in ms.
RECV_WINDOW_MS = 5000
#: No request leaves later than this after the time that the journal holds, in ms.
STALL_MS = 500
#: Seconds to wait for an answer. What is not answered is asked, so waiting longer only delays the stop.
ENTRY_PATIENCE_S, EXIT_PATIENCE_S, ASK_PATIENCE_S, LIST_PATIENCE_S = 2.0, 1.5, 1.5, 4.0
_PAGE = 1000
#: So many of the latest orders are looked through for one of ours.
_LATEST = 100
#: Assets of which one counts as one USD: the exchange's futures credits and the stable coins it takes.
AT_PAR = frozenset({"USDT", "USDC", "FDUSD", "BFUSD", "BNFCR"})
#: What serves a stop or an exit, whoever asks for it.
_URGENT = (errors.Endpoint.PLACE_ALGO, errors.Endpoint.CANCEL)


def open_door(_cost: Cost, *, is_urgent: bool) -> float:  # noqa: ARG001 - a door that lets all through
    """Let every request through at once."""
    return 0.0


class Observer(NamedTuple):
    """Who is told every answer's status and headers, and how each call ended; and the door to pass before."""

    answered: Callable[[int, Mapping[str, str]], None]
    ended: Callable[[errors.OutcomeError | None], None]
    door: Door = open_door


class BinanceExchange:
    """Implements the Exchange of the port. Open it with `async with`; times are those of `now_ms`."""

    def __init__(
        self, url: str, api_key: str, api_secret: str, now_ms: Callable[[], int], observer: Observer
    ) -> None:
        self._now_ms = now_ms
        self._observer = observer
        self._client = AsyncClient(
            api_key,
            api_secret,
            requests_params={"timeout": ClientTimeout(total=LIST_PATIENCE_S)},
            session_params={
                "trace_configs": [self._traces()],
                "connector": TCPConnector(keepalive_timeout=15, limit=16),
            },
        )
        self._client.FUTURES_URL = url.rstrip("/")
        self._client.REQUEST_RECVWINDOW = RECV_WINDOW_MS

    async def close(self) -> None:
        """Close all connections."""
        await self._client.close_connection()

    @property
    def offset_ms(self) -> int:
        """How far the exchange's clock is ahead of this machine's."""
        return int(self._client.timestamp_offset)

    async def time_ms(self) -> int:
        """Return the exchange's time at the end of the call, and set the clock of signed requests by it."""
        before = time.time_ns()
        server_ms = await self._ask(self._client.futures_time, read=lambda answer: int(answer["serverTime"]))
        after = time.time_ns()
        self._client.timestamp_offset = server_ms - (before + after) // 2 // 1_000_000
        return after // 1_000_000 + self.offset_ms

    async def exchange_info(self) -> dict[str, Filters]:
        """Return the rules of every perpetual that trades."""
        return await self._ask(self._client.futures_exchange_info, read=schemas.rules)

    async def account(self) -> Account:
        """Return the account's mode and money."""
        hedge, multi_assets = await self._ask(self._client.futures_account_config, read=schemas.modes)
        available_usd, wallet_usd = await self._ask(
            self._client.futures_account, read=schemas.money, version=3
        )
        return Account(hedge, multi_assets, available_usd, wallet_usd)

    async def listen_key(self) -> str:
        """Return the key of the user data stream, made or prolonged."""
        return await self._ask(self._client.futures_stream_get_listen_key, read=str)

    async def account_alias(self) -> str:
        """Return the exchange's own code for the account."""
        return await self._ask(
            self._client.futures_account_balance,
            read=lambda assets: str(assets[0]["accountAlias"]),
            version=3,
        )

    async def latest_orders(self, symbol: str) -> list[OrderState]:
        """Return the latest orders of a symbol, done or not, oldest first."""
        return await self._ask(
            self._client.futures_get_all_orders,
            read=lambda orders: [schemas.order(order) for order in orders],
            symbol=symbol,
            limit=_LATEST,
        )

    async def symbol_config(self, symbol: str) -> SymbolConfig:
        """Return a symbol's leverage and margin type."""
        return await self._ask(
            self._client.futures_symbol_config,
            read=lambda configs: schemas.symbol_config(
                next(config for config in configs if config["symbol"] == symbol)
            ),
            symbol=symbol,
        )

    async def symbol_configs(self) -> list[SymbolConfig]:
        """Return leverage and margin type of every symbol."""
        return await self._ask(
            self._client.futures_symbol_config,
            read=lambda configs: [schemas.symbol_config(config) for config in configs],
        )

    async def positions(self, symbol: str | None = None) -> list[Position]:
        """Return the positions that are not flat."""
        return await self._ask(
            self._client.futures_position_information,
            read=schemas.positions,
            patience_s=_patience_s(symbol),
            **_of(symbol),
        )

    async def open_orders(self, symbol: str | None = None) -> list[OrderState]:
        """Return resting orders."""
        return await self._ask(
            self._client.futures_get_open_orders,
            read=lambda orders: [schemas.order(order) for order in orders],
            patience_s=_patience_s(symbol),
            **_of(symbol),
        )

    async def open_algos(self, symbol: str | None = None) -> list[AlgoState]:
        """Return conditional orders that wait for their trigger."""
        return await self._ask(
            self._client.futures_get_open_algo_orders,
            read=lambda algos: [schemas.algo(algo) for algo in algos],
            patience_s=_patience_s(symbol),
            **_of(symbol),
        )

    async def order(self, symbol: str, client_id: str) -> OrderState | None:
        """Return an order by our id; None when the exchange says that there is none."""
        try:
            return await self._ask(
                self._client.futures_get_order,
                read=schemas.order,
                patience_s=ASK_PATIENCE_S,
                symbol=symbol,
                origClientOrderId=client_id,
            )
        except errors.AbsentError:
            return None

    async def algo(self, symbol: str, client_id: str) -> AlgoState | None:
        """Return a conditional order by our id; None when the exchange says that there is none."""
        try:
            algo = await self._ask(
                self._client.futures_get_algo_order,
                read=schemas.algo,
                patience_s=ASK_PATIENCE_S,
                clientAlgoId=client_id,
            )
        except errors.AbsentError:
            return None
        return algo if algo.symbol == symbol else None

    async def income(self, since_ms: int) -> Income:
        """Return what trading earned since a time, whatever it was booked in."""
        earned: dict[str, Decimal] = {}
        for item in (await self._income_items(since_ms)).values():
            earned[item.asset] = earned.get(item.asset, Decimal(0)) + item.earned
        usd, unvalued = Decimal(0), []
        for asset, amount in earned.items():
            price = await self._price_of(asset) if amount else Decimal(1)
            if price is None:
                unvalued.append(asset)
            else:
                usd += amount * price
        return Income(usd, tuple(sorted(unvalued)))

    async def _price_of(self, asset: str) -> Decimal | None:
        """Return what one of an asset is worth in USD; None where the exchange has no price for it."""
        if asset in AT_PAR:
            return Decimal(1)
        try:
            return await self.mark_price(f"{asset}USDT")
        except errors.OutcomeError as error:
            if error.code == errors.NO_SUCH_SYMBOL:
                return None
            raise

    async def _income_items(self, since_ms: int) -> dict[tuple[Any, ...], schemas.IncomeItem]:
        """Return every item of income since a time, once, however the pages overlap."""
        earned: dict[tuple[Any, ...], schemas.IncomeItem] = {}
        start_ms = since_ms
        while True:
            page = await self._ask(
                self._client.futures_income_history,
                read=lambda items: [schemas.income(income) for income in items],
                startTime=start_ms,
                limit=_PAGE,
            )
            earned.update({income.key: income for income in page})
            last_ms = max((income.time_ms for income in page), default=start_ms)
            if len(page) < _PAGE or last_ms == start_ms:
                return earned
            start_ms = last_ms

    async def mark_price(self, symbol: str) -> Decimal:
        """Return the mark price."""
        return await self._ask(
            self._client.futures_mark_price,
            read=lambda answer: Decimal(answer["markPrice"]),
            patience_s=ASK_PATIENCE_S,
            symbol=symbol,
        )

    async def place(self, request: MarketOrder | LimitOrder) -> OrderState:
        """Send an order, once. Its own answer may leave out the average price."""
        patience_s = EXIT_PATIENCE_S if _closes(request) else ENTRY_PATIENCE_S
        return await self._send(
            self._client.futures_create_order,
            errors.Endpoint.PLACE_ORDER,
            schemas.order,
            request.sent_at_ms,
            patience_s,
            **_wire(request),
        )

    async def place_stop(self, request: StopOrder) -> AlgoState:
        """Send a stop, once."""
        return await self._send(
            self._client.futures_create_algo_order,
            errors.Endpoint.PLACE_ALGO,
            schemas.algo,
            request.sent_at_ms,
            EXIT_PATIENCE_S,
            algoType="CONDITIONAL",
            symbol=request.symbol,
            side=request.side,
            positionSide=request.position_side,
            type="STOP_MARKET",
            triggerPrice=f"{request.trigger_price:f}",
            closePosition="true",
            workingType="MARK_PRICE",
            clientAlgoId=request.client_id,
        )

    async def cancel(self, symbol: str, client_id: str) -> None:
        """Cancel a resting order."""
        await self._send(
            self._client.futures_cancel_order,
            errors.Endpoint.CANCEL,
            lambda answer: answer,
            0,
            EXIT_PATIENCE_S,
            symbol=symbol,
            origClientOrderId=client_id,
        )

    async def cancel_algo(self, symbol: str, client_id: str) -> None:  # noqa: ARG002 - the port names it; the id alone is enough here
        """Cancel a conditional order."""
        await self._send(
            self._client.futures_cancel_algo_order,
            errors.Endpoint.CANCEL,
            lambda answer: answer,
            0,
            EXIT_PATIENCE_S,
            clientAlgoId=client_id,
        )

    async def _ask[Answer](
        self,
        method: Callable[..., Awaitable[Any]],
        *,
        read: Callable[[Any], Answer] = lambda answer: answer,
        patience_s: float = LIST_PATIENCE_S,
        **parameters: Any,
    ) -> Answer:
        options = {"requests_params": {"timeout": ClientTimeout(total=patience_s)}} if parameters else {}
        wanted = {**parameters, **options}
        try:
            return await self._judged(errors.Endpoint.QUERY, method, read, dict(wanted))
        except errors.OrderRefusedError as refusal:
            if not refusal.resync:
                raise
        await self.time_ms()  # our clock was at fault, and a question may be repeated
        return await self._judged(errors.Endpoint.QUERY, method, read, wanted)

    async def _send[Answer](
        self,
        method: Callable[..., Awaitable[Any]],
        endpoint: Endpoint,
        read: Callable[[Any], Answer],
        sent_at_ms: int,
        patience_s: float,
        **parameters: Any,
    ) -> Answer:
        options = {"timeout": ClientTimeout(total=patience_s), "trace_request_ctx": sent_at_ms}
        return await self._judged(endpoint, method, read, {**parameters, "requests_params": options})

    async def _judged[Answer](
        self,
        endpoint: Endpoint,
        method: Callable[..., Awaitable[Any]],
        read: Callable[[Any], Answer],
        parameters: Mapping[str, Any],
    ) -> Answer:
        """Call, and read the answer; whatever goes wrong on the way becomes an outcome."""
        await self._pass(method, parameters, is_urgent=endpoint in _URGENT or is_urgent())
        try:
            answer = read(await method(**parameters))
        except Exception as error:
            judged = errors.classify(error, endpoint)
            self._observer.ended(judged)
            raise judged from error
        self._observer.ended(None)
        return answer

    async def _pass(
        self, method: Callable[..., Awaitable[Any]], parameters: Mapping[str, Any], *, is_urgent: bool
    ) -> None:
        """Wait before the door for a while. Raises NotSentError when it stays shut."""
        cost = cost_of(getattr(method, "__name__", ""), parameters)
        is_urgent = is_urgent or _only_closes(parameters)
        wait_s = self._observer.door(cost, is_urgent=is_urgent)
        if not wait_s:
            return
        await asyncio.sleep(min(wait_s, PATIENCE_S))
        wait_s = self._observer.door(cost, is_urgent=is_urgent)
        if wait_s:
            raise errors.NotSentError(f"held back: nothing may be sent for {wait_s:.1f} s")

    def _traces(self) -> TraceConfig:
        traces = TraceConfig()

        async def starts(_session: Any, context: SimpleNamespace, _parameters: Any) -> None:
            sent_at_ms = context.trace_request_ctx
            if sent_at_ms and self._now_ms() - sent_at_ms > STALL_MS:
                raise errors.StalledError(self._now_ms() - sent_at_ms)

        async def ends(_session: Any, _context: SimpleNamespace, parameters: Any) -> None:
            self._observer.answered(parameters.response.status, parameters.response.headers)

        traces.on_request_start.append(starts)
        traces.on_request_end.append(ends)
        return traces


#: What makes a position of a hedged account smaller: its side, and the order's.
_CLOSING = (("LONG", "SELL"), ("SHORT", "BUY"))


def _only_closes(parameters: Mapping[str, Any]) -> bool:
    """Tell from what is sent whether an order can only make a position smaller."""
    return parameters.get("reduceOnly") == "true" or (
        (parameters.get("positionSide"), parameters.get("side")) in _CLOSING
    )


def _of(symbol: str | None) -> dict[str, Any]:
    return {} if symbol is None else {"symbol": symbol}


def _patience_s(symbol: str | None) -> float:
    """Return how long to wait for a list: a symbol's is asked for while a position waits for its stop."""
    return LIST_PATIENCE_S if symbol is None else ASK_PATIENCE_S


def _closes(request: MarketOrder | LimitOrder) -> bool:
    """Tell whether an order can only make a position smaller."""
    return request.reduce_only or (request.position_side, request.side) in _CLOSING


def _wire(request: MarketOrder | LimitOrder) -> dict[str, str]:
    """Return an order's parameters. `reduceOnly` must not be sent in hedge mode, where the side says it."""
    common = {
        "symbol": request.symbol,
        "side": request.side,
        "positionSide": request.position_side,
        "quantity": f"{request.quantity:f}",
        "newClientOrderId": request.client_id,
        "newOrderRespType": "RESULT",
    }
    if request.reduce_only and request.position_side == "BOTH":
        common["reduceOnly"] = "true"
    if isinstance(request, LimitOrder):
        at = {"timeInForce": request.time_in_force, "price": f"{request.price:f}"}
        return {**common, "type": "LIMIT", **at}
    return {**common, "type": "MARKET"}
