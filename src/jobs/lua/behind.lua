-- behind: what waits behind the head of a lane. ARGV queue lane most   Returns {id, sealed body} of each
local out = {}
for _, id in ipairs(call('LRANGE', P .. 'l:' .. ARGV[1] .. ':' .. ARGV[2], '1', ARGV[3])) do
    out[#out + 1] = {id, call('HGET', P .. 'm:' .. id, 'b') or ''}
end
return out
