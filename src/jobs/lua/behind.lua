-- behind: what waits behind the head of a lane. ARGV queue lane most   Returns {id, sealed body} of each
local out = {}
local first = by_hand(call('HGET', P .. 'k:' .. ARGV[1], ARGV[2])) and 0 or 1 -- the head stands in no list then
for _, id in ipairs(call('LRANGE', P .. 'l:' .. ARGV[1] .. ':' .. ARGV[2], first, ARGV[3] - 1 + first)) do
    out[#out + 1] = {id, fields_of(id, 'b')[1] or ''}
end
return out
