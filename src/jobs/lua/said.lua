-- said: messages to one person, and where they stand. ARGV user limit. Reads only.
-- Returns {{id, {order, queue, lane}}...}
local out = {}
for i, id in ipairs(call('ZRANGE', P .. 'mu:' .. ARGV[1], 0, ARGV[2] - 1)) do
    out[i] = {id, call('HMGET', P .. 'm:' .. id, 'o', 'q', 'l')}
end
return out
