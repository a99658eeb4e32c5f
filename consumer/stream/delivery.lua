-- Takes over what is pending: one consumer's own, or what anybody has left for too long. Nothing leaves the group here:
-- an entry whose body is gone stays pending until its dead letter is written.
--
-- KEYS: stream.
-- ARGV: group, consumer, whose entries (nothing: anybody's), ms that they lay idle, id after which to look, how many,
--       the most bytes of one entry and of all together, what to add to the count of deliveries, and to whose
--       entries not to add it (nothing: to everybody's).
-- Returns the last id looked at, or nothing at the end, and {id, deliveries, kind, what there is} for each: `whole`
-- with names and values, `large` with first bytes, size and SHA-1, or `gone`.

local stream = KEYS[1]
local group, consumer, owner, idle_ms, after, count = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local most_of_entry, most_of_all, added = tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])
local excepted = ARGV[10]
local START_BYTES, PART_BYTES = 1024, 16

local rows
if owner ~= '' then
  rows = redis.call('XPENDING', stream, group, '(' .. after, '+', count, owner)
else
  rows = redis.call('XPENDING', stream, group, 'IDLE', idle_ms, '(' .. after, '+', count)
end

local last, total, taken = '', 0, {}
for _, row in ipairs(rows) do
  local id, deliveries = row[1], row[4]
  local body = redis.call('XRANGE', stream, id, id)[1]
  local kind, what = 'gone', {}
  if body then
    kind, what = 'whole', body[2]
    local size = 0
    for _, part in ipairs(what) do size = size + #part end
    if size > most_of_entry then
      local whole = table.concat(what, '\0')
      kind, what, size = 'large', {string.sub(whole, 1, START_BYTES), size, redis.sha1hex(whole)}, START_BYTES
    else
      -- Small parts cost more than their bytes, wherever they go.
      size = size + PART_BYTES * #what
    end
    if total > 0 and total + size > most_of_all then break end
    total = total + size
    if not (excepted == consumer and row[2] == consumer) then deliveries = deliveries + added end
    redis.call('XCLAIM', stream, group, consumer, 0, id, 'RETRYCOUNT', deliveries, 'JUSTID')
  end
  last = id
  taken[#taken + 1] = {id, deliveries, kind, what}
end
return {last, taken}
