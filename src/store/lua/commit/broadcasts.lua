-- broadcasts: how a broadcast stands is counted where its messages move.

-- Broadcasts: bc:<id> counts each person once, by where his message is, and moves with the message.
-- flags (field bf): "a" he has answered, "g" given up as uncertain, "f" in flight when the broadcast was
-- cancelled, "w" withdrawn by a claim. What was queued at that moment and not in flight is counted as
-- cancelled from then on, also while its record still says that it is queued.
local counts, cancelled, PLACE = {}, {}, nil -- broadcast -> field -> by how much, written at the end
local function tally(broadcast, flags, from, to)
    if not PLACE then
        PLACE = {queued = 'queued', sending = 'queued', uncertain = 'uncertain', sent = 'sent',
            delivered = 'delivered', read = 'read', failed = 'failed', expired = 'failed',
            cancelled = 'cancelled'}
    end
    from, to = PLACE[from], PLACE[to]
    if from == 'queued' and not string.find(flags, 'f', 1, true) then
        if cancelled[broadcast] == nil then
            cancelled[broadcast] = call('HGET', P .. 'b:' .. broadcast, 'st') == 'cancelled'
        end
        if cancelled[broadcast] then from = 'cancelled' end
    elseif from == 'uncertain' and string.find(flags, 'g', 1, true) then
        from = 'failed'
    end
    if from == to then return end
    local of = counts[broadcast] or {}
    counts[broadcast] = of
    of[from], of[to] = (of[from] or 0) - 1, (of[to] or 0) + 1
    if not string.find(flags, 'a', 1, true) then
        local was = from == 'sent' or from == 'delivered' or from == 'read'
        local is = to == 'sent' or to == 'delivered' or to == 'read'
        if was ~= is then of.silent = (of.silent or 0) + (is and 1 or -1) end
    end
end

local function write_counts()
    for broadcast, of in pairs(counts) do
        for field, by in pairs(of) do
            if by ~= 0 then call('HINCRBY', P .. 'bc:' .. broadcast, field, by) end
        end
    end
    counts = {}
end

-- The newest answer counts. Returns first | again | none: he is not among those who were asked.
local function broadcast_answer(broadcast, person, answer, at_ms)
    local message = call('HGET', P .. 'bm:' .. broadcast, person)
    if not message then return 'none' end
    local had = call('HGET', P .. 'ba:' .. broadcast, person)
    local was, was_at = string.match(had or '', '^(.*)|(%d+)$')
    if was and tonumber(at_ms) < tonumber(was_at) then return 'again' end
    local key, of = P .. 'm:' .. message, counts[broadcast] or {}
    counts[broadcast] = of
    call('HSET', P .. 'ba:' .. broadcast, person, answer .. '|' .. at_ms)
    if was ~= answer then
        of[answer] = (of[answer] or 0) + 1
        if was then of[was] = (of[was] or 0) - 1 end
    end
    if was then return 'again' end
    local m = call('HMGET', key, 's', 'bf')
    local state = m[1]
    of.answered = (of.answered or 0) + 1
    if state == 'sent' or state == 'delivered' or state == 'read' then of.silent = (of.silent or 0) - 1 end
    if state then call('HSET', key, 'bf', (m[2] or '') .. 'a') end
    return 'first'
end

-- Another message takes the place of one.
local function broadcast_recast(broadcast, old, new)
    local m = call('HMGET', P .. 'm:' .. old, 'br', 's', 'bf')
    if m[1] ~= broadcast then return end
    local flags = m[3] or ''
    tally(broadcast, flags, m[2], 'queued')
    call('HDEL', P .. 'm:' .. old, 'br')
    if string.find(flags, 'a', 1, true) then call('HSET', P .. 'm:' .. new, 'bf', 'a') end
end

-- Uncertain for good.
local function given_up(id)
    local m = call('HMGET', P .. 'm:' .. id, 's', 'br', 'bf')
    local flags = m[3] or ''
    if m[1] == 'uncertain' and m[2] and not string.find(flags, 'g', 1, true) then
        tally(m[2], flags, 'uncertain', 'failed')
        call('HSET', P .. 'm:' .. id, 'bf', flags .. 'g')
    end
end

-- Nothing of it is handed over from now on but what a worker holds, in one of the queues that stand at
-- `first` to `last` of ARGV. Returns 1, or 0: it was over.
local function broadcast_cancel(broadcast, first, last)
    local key, of, flying = P .. 'b:' .. broadcast, P .. 'bc:' .. broadcast, 0
    write_counts()
    local state = call('HGET', key, 'st')
    if not state or state == 'cancelled' or state == 'closed' then return 0 end
    for i = first, last do
        for _, lease in ipairs(call('HVALS', P .. 'k:' .. A[i])) do
            local id = string.match(lease, '^%d+|(.*)|[^|]*$')
            local m = call('HMGET', P .. 'm:' .. id, 'br', 's', 'bf')
            if m[1] == broadcast and (m[2] == 'queued' or m[2] == 'sending') then
                call('HSET', P .. 'm:' .. id, 'bf', (m[3] or '') .. 'f')
                flying = flying + 1
            end
        end
    end
    local waiting = tonumber(call('HGET', of, 'queued') or 0) - flying
    if waiting ~= 0 then -- minus nothing would be "-0", which Redis does not take
        call('HINCRBY', of, 'queued', int(-waiting))
        call('HINCRBY', of, 'cancelled', int(waiting))
    end
    call('HSET', key, 'st', 'cancelled')
    call('HINCRBY', key, 'v', 1)
    cancelled[broadcast] = true
    return 1
end
