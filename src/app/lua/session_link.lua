-- session_link: a link that works once becomes a session. Asked again after a lost reply it is the same session.
-- ARGV link link_ms key person idle_ms until   Returns false (used before, or sent to a number that he has no more), or
-- {version, sealed document}
local link, s, person = P .. ARGV[1], P .. ARGV[3], ARGV[4]
local moved = call('GET', P .. 'se:' .. redis.sha1hex(person))
if moved and tonumber(moved) > ARGV[6] - ARGV[2] then return false end
if call('SET', link, ARGV[3], 'NX', 'PX', ARGV[2]) then
    call('SET', s, int(math.floor(now_us() / 1000)) .. '|' .. person .. '|' .. (moved or ''), 'PX', ARGV[5])
elseif call('GET', link) ~= ARGV[3] then
    return false
end
return call('HMGET', P .. 'u:' .. person, 'v', 'b')
