-- depths: how much waits in each queue, for /metrics and health. Reads only.
-- ARGV queue...   Returns for each queue {in flight, scheduled, {lanes, items, oldest, head} of priorities 0 to 4}
--   items: exact for the first 64 lanes, one for each lane behind them; oldest: when its lane became ready, ms
local out = {}
for i, queue in ipairs(ARGV) do
    local row = {call('ZCARD', P .. 'f:' .. queue), call('ZCARD', P .. 's:' .. queue)}
    for prio = 0, 4 do
        local key = P .. 'r:' .. queue .. ':' .. prio
        local lanes = call('ZCARD', key)
        local items, oldest, head = 0, '', ''
        if lanes > 0 then
            local some = call('ZRANGE', key, 0, 63, 'WITHSCORES')
            for k = 1, #some, 2 do items = items + call('LLEN', P .. 'l:' .. queue .. ':' .. some[k]) end
            items = items + lanes - #some / 2
            oldest, head = some[2], call('LINDEX', P .. 'l:' .. queue .. ':' .. some[1], 0) or ''
        end
        row[#row + 1] = {lanes, items, oldest, head}
    end
    out[i] = row
end
return out
