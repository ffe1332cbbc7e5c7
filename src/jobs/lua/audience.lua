-- audience: what an audience is chosen by, of many people in one round trip.
-- ARGV after limit nsenders sender... id...   with ids: of these; without: of the next @limit behind @after
-- Returns {ids, records (false: none), windows of each sender...}
local senders, ids = tonumber(ARGV[3]), {unpack(ARGV, 4 + ARGV[3])}
if #ids == 0 then
    ids = call('ZRANGEBYLEX', P .. 'ul', ARGV[1] == '' and '-' or '(' .. ARGV[1], '+', 'LIMIT', 0, ARGV[2])
    if #ids == 0 then return {{}, {}} end
end
local out = {ids, call('HMGET', P .. 'ua', unpack(ids))}
for i = 1, senders do out[2 + i] = call('HMGET', P .. 'w:' .. ARGV[3 + i], unpack(ids)) end
return out
