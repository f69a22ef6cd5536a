"""Lua scripts, which Redis runs atomically."""

PUBLISH = """
local log, meta = KEYS[1], KEYS[2]
local channel, stream, data, ended = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local number = redis.call('HINCRBY', meta, 'last', 1)
redis.call('XADD', log, '0-' .. number, 's', stream, 'd', data, 'e', ended)
local size = redis.call('HINCRBY', meta, 'size', #data)
redis.call('HINCRBY', meta, 'k:' .. stream, 1)
if ended == '1' then redis.call('HSET', meta, 'e:' .. stream, 1) end
while redis.call('XLEN', log) > tonumber(ARGV[5]) or size > tonumber(ARGV[6]) do
  local oldest = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
  local name = oldest[2][2]
  redis.call('XDEL', log, oldest[1])
  size = redis.call('HINCRBY', meta, 'size', -#oldest[2][4])
  redis.call('HSET', meta, 'f:' .. name, string.sub(oldest[1], 3))
  local left = redis.call('HINCRBY', meta, 'k:' .. name, -1)
  if left == 0 and redis.call('HEXISTS', meta, 'e:' .. name) == 1 then
    redis.call('HDEL', meta, 'k:' .. name, 'f:' .. name, 'e:' .. name, 'r:' .. name)
  end
end
redis.call('PEXPIRE', log, ARGV[7])
redis.call('PEXPIRE', meta, ARGV[7])
redis.call('PUBLISH', channel, 'E ' .. stream .. ' ' .. number .. ' ' .. ended .. ' ' .. data)
return number
"""
"""Append an event, drop the oldest beyond the bounds, and publish the event."""

RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
if redis.call('EXISTS', KEYS[2]) == 0 then return 0 end
local read = tonumber(redis.call('HGET', KEYS[2], ARGV[2]) or 0)
if read < tonumber(ARGV[3]) then redis.call('HSET', KEYS[2], ARGV[2], ARGV[3]) end
return 1
"""
"""Remove a reader's entry if it is still its own, and store how far it has read."""
