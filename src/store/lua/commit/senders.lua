-- senders: what holds a sender back, over all gateways.

-- What became known of a sender. From an attempt: its token; what was begun before the last resume says
-- nothing about what is now. Returns 1 when that was news.
local function sender_told(id, what, number, token, why, advice)
    local key = P .. 'sn:' .. id
    local s = call('HMGET', key, 'paused', 'rest', 'pct', 'since', 'resumed')
    if tonumber(token) > 0 and tonumber(token) <= tonumber(s[5] or 0) then return 0 end
    paces[id] = nil
    if what == 'slow' then
        -- One refusal is many: all that was on its way is refused with it. So it is halved once for them.
        if s[4] and now_ms < s[4] + 1000 then return 0 end
        local pct = s[3] and math.min(100, s[3] + (now_ms - s[4]) / 200) or 100
        call('HSET', key, 'pct', math.max(number, math.floor(pct / 2)), 'since', stamp)
    elseif what == 'rest' then
        if s[2] and now_ms + number <= tonumber(s[2]) then return 0 end
        call('HSET', key, 'rest', int(now_ms + number), 'rest_why', why)
    elseif what == 'pause' then
        if s[1] then return 0 end
        call('HSET', key, 'paused', stamp, 'why', why, 'advice', advice)
    else -- resume, beginning with `number` percent
        call('HDEL', key, 'paused', 'why', 'advice', 'rest', 'rest_why')
        call('HSET', key, 'resumed', call('GET', P .. 'fence') or 0)
        if tonumber(number) < 100 then call('HSET', key, 'pct', number, 'since', stamp) end
        touched['out:' .. id] = true
        return (s[1] or (s[2] and tonumber(s[2]) > now_ms)) and 1 or 0
    end
    return 1
end
