-- claim: lease up to `want` lanes of a queue to one owner: first those whose lease ran out (given
-- again with a new token and marked, for the worker to judge), then ready ones by priority.
-- ARGV owner queue want lease_ms record interval_us burst pair_interval_ms pair_burst
--   record: "m" outbound message (its attempt is counted here, before the first byte goes out),
--           "i" inbound item, "e" event of the stream
--   interval_us 0: no rate
-- Returns {wait_ms, row...}; wait_ms -1: nothing is waiting.
--   row = {lane, id, token, reaped, body, state, sends, window_ms}
local owner, queue, want, lease_ms, record = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]
local interval, burst = tonumber(ARGV[6]), tonumber(ARGV[7])
local pair_interval, pair_burst = tonumber(ARGV[8]) * 1000, tonumber(ARGV[9])
local now = now_us()
local now_ms = math.floor(now / 1000)
local out = {-1}
local wake = math.huge

local function body_of(lane, id, token, reaped)
    if record == 'm' then
        local m = call('HMGET', P .. 'm:' .. id, 'b', 's', 'n', 'tl')
        local window = call('HGET', P .. 'w:' .. string.sub(queue, 5), string.sub(lane, 2))
        local sends = tonumber(m[3] or '0')
        if m[1] and reaped == 0 then
            sends = sends + 1
            local state = m[2]
            if state == 'queued' then state = 'sending' end
            call('HSET', P .. 'm:' .. id, 's', state, 'n', sends,
                'tl', (m[4] or '') .. 'sending,' .. now_ms .. ',attempt ' .. sends .. '\n')
            m[2] = state
        end
        return {lane, id, token, reaped, m[1], m[2], sends, window}
    end
    if record == 'e' then
        local e = call('XRANGE', P .. 'ev', id .. '-0', id .. '-0')[1]
        return {lane, id, token, reaped, e and e[2][2], false, call('HGET', P .. 'cb:' .. id, 'n'), false}
    end
    local i = call('HMGET', P .. 'i:' .. id, 'b', 'n')
    return {lane, id, token, reaped, i[1], false, i[2], false}
end

-- Expired leases are not new work: they take no rate token and are never refused.
for _, lane in ipairs(call('ZRANGEBYSCORE', P .. 'f:' .. queue, '-inf', now_ms, 'LIMIT', 0, want)) do
    local id = call('LINDEX', P .. 'l:' .. queue .. ':' .. lane, 0)
    if id then
        out[#out + 1] = body_of(lane, id, lease(queue, lane, id, owner, now, lease_ms), 1)
    else
        release(queue, lane, now_ms)
    end
end

local room, tat = want - (#out - 1), now
if interval > 0 then room, tat = rate_room(P .. 'g:' .. queue, now, interval, burst, room) end
local taken = 0
for prio = 0, 4 do
    local key = P .. 'r:' .. queue .. ':' .. prio
    -- Lanes put off by the pair rate are moved on, so asking again for as many cannot go on for ever.
    while taken < room do
        local lanes = call('ZRANGEBYSCORE', key, '-inf', now_ms, 'LIMIT', 0, room - taken)
        if #lanes == 0 then break end
        for _, lane in ipairs(lanes) do
            local id = call('LINDEX', P .. 'l:' .. queue .. ':' .. lane, 0)
            local wait, pair_tat = 0, 0
            if id and pair_interval > 0 then
                wait, pair_tat = pair_wait(queue, lane, now, pair_interval, pair_burst)
            end
            if not id then
                call('ZREM', key, lane)
            elseif wait > 0 then
                call('ZADD', key, int(math.ceil(wait / 1000)), lane)
            else
                call('ZREM', key, lane)
                if pair_interval > 0 then
                    call('HSET', P .. 'pr:' .. queue, string.sub(lane, 2), int(pair_tat + pair_interval))
                end
                out[#out + 1] = body_of(lane, id, lease(queue, lane, id, owner, now, lease_ms), 0)
                taken = taken + 1
            end
        end
    end
end
if interval > 0 and taken > 0 then
    tat = tat + taken * interval
    call('SET', P .. 'g:' .. queue, int(tat))
end

-- When to ask again: the next lane that becomes ready (not before the rate has room), the next lease
-- that runs out.
for prio = 0, 4 do
    local first = call('ZRANGE', P .. 'r:' .. queue .. ':' .. prio, 0, 0, 'WITHSCORES')
    if first[2] then
        local at = tonumber(first[2])
        if interval > 0 then
            local free = (tat - (burst - 1) * interval) / 1000
            if free > at then at = free end
        end
        if at < wake then wake = at end
    end
end
local lapse = call('ZRANGE', P .. 'f:' .. queue, 0, 0, 'WITHSCORES')
if lapse[2] and tonumber(lapse[2]) < wake then wake = tonumber(lapse[2]) end
if wake < math.huge then
    local ms = math.ceil(wake - now / 1000)
    out[1] = ms > 0 and ms or 0
end
return out
