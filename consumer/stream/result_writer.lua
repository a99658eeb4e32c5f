-- Settles a batch: for each entry that is still pending in the group, by whomever, writes its decision and its dead
-- letter and acknowledges it. One that is not pending was settled by somebody else: nothing is written.
-- A halt and a twin are looked up here, where nothing can change between the look and the decision.
--
-- KEYS: stream, results, dead letters, halt key. The keys of twins and of what else is written are not among them:
-- each command is checked by itself, while one rule of the user would have to allow all that are named here.
-- ARGV: group, results' length, window ms, memory ms, and the fields that all decisions share: mode, venue, stage,
--       replica, configuration digest, orders; what else is written with a decision, as a JSON list of commands, or
--       nothing; then 13 for each entry, in the order of consumer.intents.decide.Decision.
-- Returns {settled elsewhere, put off, halt value or false, {status, count, ...}, {dead-lettered id, reason, ...}}

local stream, results, letters, halt_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local group, results_length, window, memory_ms = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local mode, venue, stage, replica, digest, orders = ARGV[5], ARGV[6], ARGV[7], ARGV[8], ARGV[9], ARGV[10]
local also = ARGV[11]

local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
local timestamp = string.format('%.0f', now_ms)
local elsewhere, put_off, counts, dead, remembered = 0, 0, {}, {}, {}

-- What cannot be read counts as a halt.
local halt = redis.pcall('GET', halt_key)
if type(halt) == 'table' then halt = 'unreadable' end

local function milliseconds(id)
  return tonumber(string.match(id, '^%d+'))
end

-- Returns the other intent of this memory within the window around `ms`, if there is one.
local function twin(memory, ms, origin_id)
  local near = redis.call('ZRANGEBYSCORE', memory, ms - window, ms + window, 'LIMIT', 0, 2)
  for _, other in ipairs(near) do
    if other ~= origin_id then return other end
  end
end

for at = 12, #ARGV, 13 do
  local id, status, reason, origin_id, symbol, side, trace_id, intent, plan, memory, stops_at_halt, letter, deliveries =
    unpack(ARGV, at, at + 12)
  local pending = redis.call('XPENDING', stream, group, id, id, 1)[1]
  -- 0 deliveries: the server found the body gone and took the entry off the group itself.
  if deliveries == '0' then pending = {id, '', 0, 0} end
  if not pending then
    elsewhere = elsewhere + 1
  elseif pending[4] < tonumber(deliveries) then
    put_off = put_off + 1
  else
    if memory ~= '' then
      local origin_ms = milliseconds(origin_id)
      local other = not (halt and stops_at_halt == '1') and twin(memory, origin_ms, origin_id)
      if halt and stops_at_halt == '1' then
        status, reason, plan = 'skipped_halted', 'HALTED:' .. string.sub(halt, 1, 200), ''
      elseif other then
        status, reason, plan = 'skipped_duplicate', 'DUPLICATE:' .. other, ''
      elseif status == 'skipped_drain' then
        redis.call('ZADD', memory, origin_ms, origin_id)
        remembered[memory] = true
      end
    end
    if status ~= 'lost_trimmed' then
      if intent ~= '' then intent = '"intent":' .. intent .. (plan ~= '' and ',' or '') end
      redis.call('XADD', results, 'MAXLEN', '~', results_length, '*',
        'intent_id', id, 'origin_id', origin_id, 'symbol', symbol, 'side', side, 'status', status, 'reason', reason,
        'mode', mode, 'venue', venue, 'stage', stage, 'source', 'trade_intent_consumer', 'replica', replica,
        'trace_id', trace_id, 'timestamp', timestamp, 'latency_ms', now_ms - milliseconds(id),
        'redelivered', pending[4] > 1 and 1 or 0, 'config_digest', digest,
        'plan', '{' .. intent .. plan .. '}', 'orders', orders)
    end
    if also ~= '' then
      for _, command in ipairs(cjson.decode(also)) do redis.call(unpack(command)) end
    end
    if letter ~= '' then
      redis.call('XADD', letters, '*', 'original_id', id, 'origin_id', origin_id, 'reason', reason,
        'deliveries', pending[4], 'timestamp', timestamp, 'source', 'trade_intent_consumer', 'fields', letter)
      dead[#dead + 1] = id
      dead[#dead + 1] = reason
    end
    redis.call('XACK', stream, group, id)
    counts[status] = (counts[status] or 0) + 1
  end
end

for memory in pairs(remembered) do
  redis.call('ZREMRANGEBYSCORE', memory, '-inf', now_ms - memory_ms)
  redis.call('PEXPIRE', memory, memory_ms)
end

local flat = {}
for status, count in pairs(counts) do
  flat[#flat + 1] = status
  flat[#flat + 1] = count
end
return {elsewhere, put_off, halt, flat, dead}
