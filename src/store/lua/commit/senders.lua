-- senders: what holds a sender back, over all gateways.
-- Seldom wanted, so made when they are: each function of a script costs every call of it.

local senders_made
local function senders_ops()
    if senders_made then return senders_made end

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
            call('HDEL', key, 'paused', 'why', 'advice', 'rest', 'rest_why', 'via', 'via_at')
            call('HSET', key, 'resumed', call('GET', P .. 'fence') or 0)
            if tonumber(number) < 100 then call('HSET', key, 'pct', number, 'since', stamp) end
            touched['out:' .. id] = true
            return (s[1] or (s[2] and tonumber(s[2]) > now_ms)) and 1 or 0
        end
        return 1
    end

    -- How many people a day a sender may write to first, all of its portfolio together. What the provider told
    -- goes before what is configured, until that is changed. told -1: no limit; people 0: none.
    local function in_force(told, configured)
        return told and math.max(0, told) or tonumber(configured)
    end

    local function tier(id, portfolio, configured)
        local sender, key = P .. 'sn:' .. id, P .. 'pd:' .. portfolio
        local was = call('HGET', sender, 'pf')
        if was and was ~= portfolio then call('HDEL', P .. 'pd:' .. was, '/' .. id) end
        if not was and portfolio ~= id and call('EXISTS', P .. 'dp:' .. id) == 1 then -- of an older version
            local ledger = P .. 'dp:' .. portfolio
            call('ZUNIONSTORE', ledger, 2, ledger, P .. 'dp:' .. id, 'AGGREGATE', 'MAX')
            call('UNLINK', P .. 'dp:' .. id)
        end
        local had = call('HMGET', key, 'cf', 'told')
        if had[1] ~= configured then
            call('HDEL', key, 'told', 'at')
            had[2] = false
        end
        call('HSET', key, 'cf', configured, '/' .. id, '1')
        call('HSET', sender, 'people', int(in_force(had[2], configured)), 'pf', portfolio)
    end

    -- Returns 1 when that was news.
    local function tier_told(portfolio, told, at_ms)
        local key = P .. 'pd:' .. portfolio
        local had = call('HMGET', key, 'told', 'at')
        if had[1] == told or (had[2] and tonumber(at_ms) < tonumber(had[2])) then return 0 end
        call('HSET', key, 'told', told, 'at', at_ms)
        for _, field in ipairs(call('HKEYS', key)) do
            local id = string.match(field, '^/(.*)$')
            if id then
                call('HSET', P .. 'sn:' .. id, 'people', int(in_force(told)))
                touched['out:' .. id] = true
            end
        end
        return 1
    end

    senders_made = {told = sender_told, tier = tier, tier_told = tier_told}
    return senders_made
end
