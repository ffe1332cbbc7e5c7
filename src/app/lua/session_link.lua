-- session_link: a link that works once becomes a session. Asked again after a lost reply it is the same session.
-- ARGV link link_ms key person idle_ms   Returns false (used before), or {version, sealed document}
local link, s, person = P .. ARGV[1], P .. ARGV[3], ARGV[4]
if call('SET', link, ARGV[3], 'NX', 'PX', ARGV[2]) then
    call('SET', s, int(math.floor(now_us() / 1000)) .. '|' .. person, 'PX', ARGV[5])
elseif call('GET', link) ~= ARGV[3] then
    return false
end
return call('HMGET', P .. 'u:' .. person, 'v', 'b')
