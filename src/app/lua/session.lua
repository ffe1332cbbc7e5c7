-- session: whose browser it is; goes on for another while, not for ever.
-- ARGV key idle_ms most_ms   Returns false, or {person, version, sealed document}
local s = P .. ARGV[1]
local since, person, moved = string.match(call('GET', s) or '', '^(%d+)|([^|]+)|?(.*)$')
if not person then return false end
local left = tonumber(since) + tonumber(ARGV[3]) - math.floor(now_us() / 1000)
if left <= 0 or (call('GET', P .. 'se:' .. redis.sha1hex(person)) or moved) ~= moved then
    call('DEL', s)
    return false
end
call('PEXPIRE', s, int(math.min(left, tonumber(ARGV[2]))))
local doc = call('HMGET', P .. 'u:' .. person, 'v', 'b')
return {person, doc[1], doc[2]}
