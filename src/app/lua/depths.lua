-- depths: how much waits in each queue, for /metrics and health. Reads only (but the clock).
-- ARGV queue...   Returns for each queue {in flight, scheduled, {lanes, items, oldest, head} of priorities
-- 0 to 4, {waits, why, advice, percent, people, their limit, whether the provider told it, who speaks in its place,
-- since when} of the sender, or nothing}
--   waits: 0 it goes, -1 paused, else until when it rests, ms; percent of its rate in force; people written to in 24 h
--   items: exact for the first 64 lanes, one for each lane behind them; oldest: when its lane became ready, ms
local now_ms = math.floor(now_us() / 1000)
local out = {}
for i, queue in ipairs(ARGV) do
    local row = {call('HLEN', P .. 'k:' .. queue), call('ZCARD', P .. 's:' .. queue)}
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
    if string.sub(queue, 1, 4) == 'out:' then
        local s = call('HMGET', P .. 'sn:' .. string.sub(queue, 5), 'paused', 'rest', 'pct', 'since', 'why',
            'advice', 'rest_why', 'people', 'pf', 'via', 'via_at')
        local portfolio = s[9] or string.sub(queue, 5)
        local wait, interval = pace(s, now_ms, 100000, 1)
        row[#row + 1] = {s[1] and -1 or int(wait), s[1] and s[5] or wait > 0 and s[7] or '',
            s[1] and s[6] or '', math.floor(10000000 / interval),
            call('ZCOUNT', P .. 'dp:' .. portfolio, int(now_ms - 86400000), '+inf'), s[8] or '0',
            call('HEXISTS', P .. 'pd:' .. portfolio, 'told'), s[1] and s[10] or '', s[1] and s[11] or '0'}
    end
    out[i] = row
end
return out
