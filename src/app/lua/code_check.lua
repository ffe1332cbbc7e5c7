-- code_check: is it the code of this phone? A wrong one is a try; the right one is taken by the commit that verifies.
-- ARGV key phone_hash mac tries_most life_ms   Returns false, or {person, version, sealed document, when his
-- number changed or ""}
local key = P .. ARGV[1]
local mac, at, tries = unpack(call('HMGET', key, 'm', 'at', 't'))
if not mac or tonumber(at) + tonumber(ARGV[5]) <= math.floor(now_us() / 1000) then return false end
if tonumber(tries) >= tonumber(ARGV[4]) then return false end
if mac ~= ARGV[3] then
    call('HINCRBY', key, 't', '1')
    return false
end
local person = call('HGET', P .. 'ux', ARGV[2])
if not person then return false end
local doc = call('HMGET', P .. 'u:' .. person, 'v', 'b')
return {person, doc[1], doc[2], call('GET', P .. 'se:' .. redis.sha1hex(person)) or ''}
