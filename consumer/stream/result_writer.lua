-- Settles a batch: writes the decision and the dead letter of each entry that is undecided, and acknowledges it.
-- A halt and a twin are looked up here, where nothing can change between the look and the decision.
--
-- Nothing is written whose acknowledgement could then fail: types, rights and memory are looked at first. What all
-- need ends the batch; what one entry needs holds up that one and those that need the same.
--
-- What was decided is known beside the group, so that nothing is decided twice when the group is set back, and
-- nothing is lost when an entry is taken off it: all after `from` and up to `to` is decided but for what is in
-- `open`, and so is what is in `ahead`. Up to `from`, where a group made at 0 begins, all up to `before` is; up to
-- `furthest`, all but what is pending.
--
-- No key is named in KEYS: each command is checked by itself and its refusal names it, while one rule of the user would
-- have to allow all that are named there.
-- ARGV: stream, results, dead letters, halt key, group, results' length, window ms, memory ms, and the fields that all decisions share: mode, venue, stage,
--       replica, configuration digest, orders; what else is written with a decision, as a JSON list of commands, or
--       nothing; consumer, cutover, the highest id that this process knows to be decided, the batch's serial; then
--       14 for each entry: consumer.intents.decide.Decision in its order, and its seal.
-- Returns JSON, which is also kept under the serial for one whose reply is lost: see _Reply in result_writer.py.

local stream, results, letters, halt_key, group, results_length, window, memory_ms = unpack(ARGV, 1, 8)
local mode, venue, stage, replica, digest, orders, also = unpack(ARGV, 9, 15)
local consumer, cutover, known, serial = unpack(ARGV, 16, 19)
local FIRST, EACH = 20, 14
window, memory_ms = tonumber(window), tonumber(memory_ms)
local MOST_AHEAD, MOST_OPEN = 10000, 1000

local progress = 'quantum:trade_intent:progress:' .. group
local ahead = 'quantum:trade_intent:ahead:' .. group
local open = 'quantum:trade_intent:open:' .. group

local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
local timestamp = string.format('%.0f', now_ms)

local function parts(id)
  return string.match(id, '^(%d+)%-(%d+)$')
end

local function milliseconds(id)
  return tonumber(string.match(id, '^%d+'))
end

-- Digits are compared as texts: an id has more of them than a number of Lua.
local function is_less(left, right)
  if #left ~= #right then return #left < #right end
  return left < right
end

local function is_before(left, right)
  local left_ms, left_number = parts(left)
  local right_ms, right_number = parts(right)
  if left_ms ~= right_ms then return is_less(left_ms, right_ms) end
  return is_less(left_number, right_number)
end

-- Looking before writing ------------------------------------------------------------------------------------------

local looked = {}

-- Returns why a command would fail: it is tried with arguments that change nothing. nil where it would not.
local function refusal(command, key, ...)
  local name = command .. ' ' .. key
  if looked[name] == nil then
    local reply = redis.pcall(command, key, ...)
    local fault = type(reply) == 'table' and reply.err
    -- This is how XADD answers when nothing but the id is wrong.
    if fault and string.find(fault, 'must be greater than 0-0', 1, true) then fault = nil end
    looked[name] = fault and fault .. ' [' .. name .. ']' or false
  end
  return looked[name] or nil
end

local function wrong_type(key, kind)
  local reply = redis.pcall('TYPE', key)
  local is = type(reply) == 'table' and reply.ok
  if is and is ~= 'none' and is ~= kind then return 'WRONGTYPE it is a ' .. is .. ', not a ' .. kind .. ' [' .. key .. ']' end
end

local function stream_refusal(key)
  return wrong_type(key, 'stream') or refusal('XADD', key, '0-0', 'a', 'a')
end

local function command_refusal(command)
  if command[1] == 'XADD' then return stream_refusal(command[2]) end
  if command[1] == 'HSET' then return wrong_type(command[2], 'hash') end
end

-- What is decided already -----------------------------------------------------------------------------------------

redis.call('XPENDING', stream, group) -- Without the group this ends the script.
-- Of memory Redis only asks at the first write of a script, and of those that need some: so that one is first.
local fault = wrong_type(results, 'stream') or refusal('HSET', progress, 'consumer', consumer)
  or refusal('XACK', stream, group, '0-0')
if fault then return cjson.encode({fault = fault}) end

local marks = redis.call('HMGET', progress, 'from', 'to', 'before', 'furthest')
local from, to, before, furthest = marks[1] or cutover, marks[2] or marks[1] or cutover, marks[3] or nil, marks[4] or nil
-- A Redis that went back knows less than this process. What it forgot is decided again: its decision is gone, too.
local remembered_less = known ~= '' and marks[2] and is_before(to, known) or false
local count_ahead, count_open = redis.call('ZCARD', ahead), redis.call('SCARD', open)

local function is_decided(id)
  if not is_before(from, id) then return before and not is_before(before, id) end
  if not is_before(to, id) then return count_open == 0 or redis.call('SISMEMBER', open, id) == 0 end
  return count_ahead > 0 and redis.call('ZSCORE', ahead, id)
end

-- Takes note of what this batch decided. `decided` are its ids.
local function advance(decided)
  local lowest = redis.call('XPENDING', stream, group, '(' .. to, '+', 1)[1]
  lowest = lowest and lowest[1]
  local lowest_before = redis.call('XPENDING', stream, group, '-', from, 1)[1]
  lowest_before = lowest_before and lowest_before[1]
  local reached = to
  local function reach(id)
    if (not lowest or is_before(id, lowest)) and is_before(reached, id) then reached = id end
  end
  for _, id in ipairs(decided) do
    if not is_before(from, id) then
      if not furthest or is_before(furthest, id) then furthest = id end
      if (not lowest_before or is_before(id, lowest_before)) and (not before or is_before(before, id)) then
        before = id
      end
    elseif is_before(to, id) then
      reach(id)
      if lowest and is_before(lowest, id) then
        redis.call('ZADD', ahead, milliseconds(id), id)
        count_ahead = count_ahead + 1
      end
    elseif count_open > 0 then
      redis.call('SREM', open, id)
    end
  end
  if furthest and (not lowest_before or is_before(furthest, lowest_before)) then before = furthest end
  if count_ahead > 0 then
    local top = lowest and milliseconds(lowest) or '+inf'
    for _, id in ipairs(redis.call('ZREVRANGEBYSCORE', ahead, top, '-inf', 'LIMIT', 0, 20)) do reach(id) end
    if count_ahead > MOST_AHEAD then
      -- What is held up for long is remembered by itself, rather than all that was decided after it.
      reached = redis.call('ZRANGE', ahead, MOST_AHEAD / 2, MOST_AHEAD / 2)[1] or reached
      local rows = redis.call('XPENDING', stream, group, '(' .. to, reached, MOST_OPEN)
      for _, row in ipairs(rows) do redis.call('SADD', open, row[1]) end
      if #rows == MOST_OPEN then reached = rows[MOST_OPEN][1] end
    end
    redis.call('ZREMRANGEBYSCORE', ahead, '-inf', '(' .. milliseconds(reached))
  end
  to = reached
  local marks = {'from', from, 'to', to}
  for name, id in pairs({before = before, furthest = furthest}) do
    marks[#marks + 1] = name
    marks[#marks + 1] = id
  end
  return marks
end

-- Halt and twins --------------------------------------------------------------------------------------------------

-- Returns as much of a text as there is room for, in whole characters; without what is no ASCII where it is no UTF-8.
local function shortened(text)
  local at, size = 1, 0
  while at <= #text and at <= 200 do
    local byte = string.byte(text, at)
    local width = byte < 0x80 and 1 or byte >= 0xF0 and byte < 0xF5 and 4 or byte >= 0xE0 and byte < 0xF0 and 3
      or byte >= 0xC2 and byte < 0xE0 and 2 or 0
    local rest = string.sub(text, at + 1, at + width - 1)
    if width == 0 or #rest < width - 1 or string.find(rest, '[^\128-\191]') then
      return (string.gsub(string.sub(text, 1, 200), '[\128-\255]', '?'))
    end
    at = at + width
    if at <= 201 then size = at - 1 end
  end
  return string.sub(text, 1, size)
end

-- What cannot be read counts as a halt.
local halt = redis.pcall('GET', halt_key)
if type(halt) == 'table' then halt = 'unreadable' end
halt = halt and shortened(halt)

-- Returns the other intent of this memory within the window around `ms`, if there is one.
local function twin(memory, ms, origin_id)
  local near = redis.call('ZRANGEBYSCORE', memory, ms - window, ms + window, 'LIMIT', 0, 2)
  for _, other in ipairs(near) do
    if other ~= origin_id then return other end
  end
end

-- A plan that lacks something is none, and makes no twin; but where it is the symbol's rules that are missing, no other
-- intent of the symbol has a plan either. By that proof events, whose symbol no exchange lists, can prove this gate.
local function makes_twins(reason)
  return string.sub(reason, 1, 15) ~= 'PLAN_INCOMPLETE' or reason == 'PLAN_INCOMPLETE:filters'
end

-- The entries -----------------------------------------------------------------------------------------------------

local commands = also ~= '' and cjson.decode(also) or {}
local elsewhere, put_off, counts = {}, 0, {}
local dead, again, taken_off, held_up, decided, is_new, remembered = {}, {}, {}, {}, {}, {}, {}

-- Returns why this entry alone cannot be settled now.
local function entry_refusal(memory, letter)
  local why = letter ~= '' and (stream_refusal(letters) or stream_refusal(results))
    or memory ~= '' and (refusal('ZRANGEBYSCORE', memory, 0, 0) or refusal('ZADD', memory, 'XX', 0, ''))
  for _, command in ipairs(commands) do why = why or command_refusal(command) end
  return why or nil
end

-- A delivery that was judged has come to an end, though it could not be written: it is not counted against the entry.
local function hold_up(id, why)
  held_up[#held_up + 1] = id
  held_up[#held_up + 1] = why
  local body = redis.pcall('XRANGE', stream, id, id)
  if body[1] then redis.pcall('XCLAIM', stream, group, consumer, 0, id, 'RETRYCOUNT', 1, 'JUSTID') end
end

local function settle(deliveries, seal, id, status, reason, origin_id, symbol, side, trace_id, intent, plan, memory,
                      stops_at_halt, letter)
  local why = entry_refusal(memory, letter)
  if why then return hold_up(id, why) end
  local handed = {}
  if memory ~= '' then
    local origin_ms = milliseconds(origin_id)
    local other = not (halt and stops_at_halt == '1') and twin(memory, origin_ms, origin_id)
    if halt and stops_at_halt == '1' or other then
      handed = {'handed', cjson.encode({status, reason, plan})}
      plan = ''
      if other then status, reason = 'skipped_duplicate', 'DUPLICATE:' .. other
      else status, reason = 'skipped_halted', 'HALTED:' .. halt end
    elseif status == 'skipped_drain' and makes_twins(reason) then
      redis.call('ZADD', memory, origin_ms, origin_id)
      remembered[memory] = true
    end
  end
  if letter ~= '' then
    redis.call('XADD', letters, '*', 'original_id', id, 'origin_id', origin_id, 'reason', reason,
      'deliveries', deliveries, 'timestamp', timestamp, 'source', 'trade_intent_consumer', 'fields', letter)
    dead[#dead + 1] = id
    dead[#dead + 1] = reason
  end
  if status ~= 'lost_trimmed' then
    if intent ~= '' then intent = '"intent":' .. intent .. (plan ~= '' and ',' or '') end
    local written = redis.pcall('XADD', results, 'MAXLEN', '~', results_length, '*',
      'intent_id', id, 'origin_id', origin_id, 'symbol', symbol, 'side', side, 'status', status, 'reason', reason,
      'mode', mode, 'venue', venue, 'stage', stage, 'source', 'trade_intent_consumer', 'replica', replica,
      'trace_id', trace_id, 'timestamp', timestamp,
      'latency_ms', string.format('%.0f', now_ms - milliseconds(id)),
      'redelivered', deliveries > 1 and 1 or 0, 'config_digest', digest,
      'plan', '{' .. intent .. plan .. '}', 'orders', orders, 'auth', seal, unpack(handed))
    if written.err then
      fault = written.err .. ' [XADD ' .. results .. ']'
      return
    end
  end
  for _, command in ipairs(commands) do redis.call(unpack(command)) end
  redis.call('XACK', stream, group, id)
  decided[#decided + 1] = id
  is_new[id] = true
  counts[status] = (counts[status] or 0) + 1
end

for at = FIRST, #ARGV, EACH do
  local id, least_deliveries = ARGV[at], tonumber(ARGV[at + 12])
  local pending = redis.call('XPENDING', stream, group, id, id, 1)[1]
  if is_new[id] or is_decided(id) then
    if pending then redis.call('XACK', stream, group, id) end
    local list = pending and again or elsewhere
    list[#list + 1] = id
  elseif pending and pending[4] < least_deliveries then
    put_off = put_off + 1
  else
    if not pending then taken_off[#taken_off + 1] = id end
    settle(pending and pending[4] or 1, ARGV[at + 13], unpack(ARGV, at, at + 11))
    if fault then break end
  end
end

for memory in pairs(remembered) do
  redis.pcall('ZREMRANGEBYSCORE', memory, '-inf', now_ms - memory_ms)
  redis.pcall('PEXPIRE', memory, memory_ms)
end

local reached = advance(decided)
local reply = cjson.encode({
  counts = counts, put_off = put_off, halt = halt, elsewhere = elsewhere, again = again, taken_off = taken_off,
  held_up = held_up, dead_letters = dead, to = to, remembered_less = remembered_less, fault = fault,
})
reached[#reached + 1] = 'reply:' .. consumer
reached[#reached + 1] = serial .. ' ' .. reply
redis.call('HSET', progress, unpack(reached))
return reply
