-- failing: callbacks that were tried and not taken: those that are tried now, then by the time of their next
-- try. Reads only.
-- ARGV offset count   Returns {offset to go on at or -1, {sequence, lane, next try ms, tries, reason, behind, event}...}
--   next try: 0 while a try is under way
local at, count = tonumber(ARGV[1]), tonumber(ARGV[2])
local trying = call('ZCARD', P .. 'f:cb')
local lanes = {}
for _, lane in ipairs(call('ZRANGE', P .. 'f:cb', at, at + count - 1)) do
    lanes[#lanes + 1], lanes[#lanes + 2] = lane, '0'
end
local room, from = count - #lanes / 2, math.max(at - trying, 0)
local ready = room > 0 and call('ZRANGE', P .. 'r:cb:3', from, from + room - 1, 'WITHSCORES') or {}
for _, word in ipairs(ready) do lanes[#lanes + 1] = word end
local out = {#lanes == count * 2 and at + count or -1}
for i = 1, #lanes, 2 do
    local list = P .. 'l:cb:' .. lanes[i]
    local seq = call('LINDEX', list, 0)
    local tried = seq and call('HMGET', P .. 'cb:' .. seq, 'n', 'e')
    if tried and tried[1] then
        local event = call('XRANGE', P .. 'ev', seq .. '-0', seq .. '-0')
        out[#out + 1] = {seq, lanes[i], lanes[i + 1], tried[1], tried[2] or '', call('LLEN', list) - 1,
            event[1] and event[1][2][2] or ''}
    end
end
return out
