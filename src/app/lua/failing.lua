-- failing: callbacks that were tried and not taken, by the time of their next try. Reads only.
-- ARGV offset count   Returns {offset to go on at or -1, {sequence, lane, next try ms, tries, reason, behind, event}...}
--   next try: 0 while a try is under way
local at, count = tonumber(ARGV[1]), tonumber(ARGV[2])
local ready = P .. 'r:cb:3'
local lanes = call('ZRANGE', ready, at, at + count - 1, 'WITHSCORES')
local out = {#lanes == count * 2 and at + count or -1}
if at == 0 then
    for _, lane in ipairs(call('ZRANGE', P .. 'f:cb', 0, count - 1)) do
        lanes[#lanes + 1] = lane
        lanes[#lanes + 1] = '0'
    end
end
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
