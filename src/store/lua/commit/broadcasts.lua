-- broadcasts: how a broadcast stands is counted where its messages move.

-- Broadcasts: bc:<id> counts each person once, by where his message is, and moves with the message.
-- flags (field bf): "a" he has answered, "g" given up as uncertain, "f" in flight when the broadcast was
-- cancelled, "w" withdrawn by a claim, "m" one of several that tell him. What was queued at that moment and not
-- in flight is counted as cancelled from then on, also while its record still says that it is queued.
-- Several: a message said again by another way is a copy; each of them names the first in bo, and that one all
-- of them in bg. He is counted where the one is that got furthest; what he did ("a") stands with the first.
local counts, cancelled, PLACE, FAR = {}, {}, nil, nil -- broadcast -> field -> by how much, written at the end
local function has(flags, flag) return string.find(flags, flag, 1, true) end

local function place_of(broadcast, state, flags)
    if not PLACE then
        PLACE = {queued = 'queued', sending = 'queued', uncertain = 'uncertain', sent = 'sent',
            delivered = 'delivered', read = 'read', failed = 'failed', expired = 'failed',
            cancelled = 'cancelled'}
        FAR = {read = 7, delivered = 6, sent = 5, queued = 4, cancelled = 3, uncertain = 2, failed = 1}
    end
    local place = PLACE[state]
    if place == 'queued' and not has(flags, 'f') then
        if cancelled[broadcast] == nil then
            cancelled[broadcast] = call('HGET', P .. 'b:' .. broadcast, 'st') == 'cancelled'
        end
        if cancelled[broadcast] then return 'cancelled' end
    elseif place == 'uncertain' and has(flags, 'g') then
        return 'failed'
    end
    return place
end

local function had_it(place) return place == 'sent' or place == 'delivered' or place == 'read' end

local function shift(broadcast, flags, from, to, n)
    if from == to then return end
    local of = counts[broadcast] or {}
    counts[broadcast] = of
    of[from], of[to] = (of[from] or 0) - n, (of[to] or 0) + n
    if not has(flags, 'a') and had_it(from) ~= had_it(to) then
        of.silent = (of.silent or 0) + (had_it(to) and n or -n)
    end
end

local broadcast_ops -- below
local function tally(broadcast, id, flags, from, to, n)
    from, to = place_of(broadcast, from, flags), place_of(broadcast, to, flags)
    if has(flags, 'm') then
        from, to, flags = broadcast_ops().furthest(broadcast, id, from, to)
    end
    shift(broadcast, flags, from, to, n or 1)
end

local function write_counts()
    for broadcast, of in pairs(counts) do
        for field, by in pairs(of) do
            if by ~= 0 then call('HINCRBY', P .. 'bc:' .. broadcast, field, by) end
        end
    end
    counts = {}
end

-- Made when they are wanted, as those of senders.

local broadcast_made
broadcast_ops = function()
    if broadcast_made then return broadcast_made end

    local function further(a, b) return (FAR[b] or 0) > (FAR[a] or 0) and b or a end

    -- Of the several that @id is one of: where the furthest of the others is (nil: there is none), the first one's
    -- flags and id, the members.
    local function others(broadcast, id)
        local first = message(id, 'bo', 's')[1] or id
        local place, flags, members = nil, '', message(first, 'bg', 's')[1] or id
        for member in string.gmatch(members, '%S+') do
            local m = message(member, 's', 'br', 'bf')
            if member == first then flags = m[3] or '' end
            if member ~= id and m[1] and m[2] == broadcast then
                place = further(place, place_of(broadcast, m[1], m[3] or ''))
            end
        end
        return place, flags, first, members
    end

    -- Where he is counted whose message @id went from @from to @to, and the first one's flags.
    local function furthest(broadcast, id, from, to)
        local place, flags = others(broadcast, id)
        return further(place, from), further(place, to), flags
    end

    -- The newest answer counts. Returns first | again | none: he is not among those who were asked.
    local function broadcast_answer(broadcast, person, answer, at_ms)
        local asked = call('HGET', P .. 'bm:' .. broadcast, person)
        if not asked then return 'none' end
        local had = call('HGET', P .. 'ba:' .. broadcast, person)
        local was, was_at = string.match(had or '', '^(.*)|(%d+)$')
        if was and tonumber(at_ms) < tonumber(was_at) then return 'again' end
        local key, of = P .. 'm:' .. asked, counts[broadcast] or {}
        counts[broadcast] = of
        call('HSET', P .. 'ba:' .. broadcast, person, answer .. '|' .. at_ms)
        if was ~= answer then
            of[answer] = (of[answer] or 0) + 1
            if was then of[was] = (of[was] or 0) - 1 end
        end
        if was then return 'again' end
        local m = message(asked, 's', 'bf')
        local flags = m[2] or ''
        local place = m[1] and place_of(broadcast, m[1], flags)
        if has(flags, 'm') then place = further(others(broadcast, asked), place) end
        of.answered = (of.answered or 0) + 1
        if had_it(place) then of.silent = (of.silent or 0) - 1 end
        if m[1] then call('HSET', key, 'bf', flags .. 'a') end
        if m[1] == 'sending' then rewritten(asked) end
        return 'first'
    end

    -- Another message takes the place of one, and of those that said it again. The broadcast names them no more: his
    -- index does.
    local function broadcast_recast(broadcast, old, new)
        local m = message(old, 'br', 's', 'bf', 'u', 'l')
        if m[1] ~= broadcast then return end
        local person, place, flags, _, members = person_of(m[4], m[5]), others(broadcast, old)
        shift(broadcast, flags, further(place, place_of(broadcast, m[2], m[3] or '')), 'queued', 1)
        for member in string.gmatch(members, '%S+') do
            if call('HDEL', P .. 'm:' .. member, 'br') == 1 and person then
                call('ZADD', P .. 'mu:' .. person, '0', member)
            end
            rewritten(member)
        end
        if has(flags, 'a') then
            call('HSET', P .. 'm:' .. new, 'bf', 'a')
            rewritten(new)
        end
    end

    -- `new`, written in this unit, says `old` again. What a later round has taken the place of counts no more.
    local function broadcast_copy(old, new)
        local m = message(old, 'br', 'bo', 's', 'bf')
        local broadcast = m[1]
        rewritten(new)
        if not broadcast then
            call('HDEL', P .. 'm:' .. new, 'br')
            return
        end
        if not m[2] then
            call('HSET', P .. 'm:' .. old, 'bo', old, 'bg', old, 'bf', (m[4] or '') .. 'm')
            rewritten(old)
        end
        local place, flags, first, members = others(broadcast, old)
        place = further(place, place_of(broadcast, m[3], m[4] or ''))
        call('HSET', P .. 'm:' .. first, 'bg', members .. ' ' .. new)
        call('HSET', P .. 'm:' .. new, 'bo', first, 'bf', 'm')
        shift(broadcast, flags, place, further(place, place_of(broadcast, 'queued', '')), 1)
    end

    -- Uncertain for good.
    local function given_up(id)
        local m = message(id, 's', 'br', 'bf')
        local flags = m[3] or ''
        if m[1] == 'uncertain' and m[2] and not has(flags, 'g') then
            tally(m[2], id, flags, 'uncertain', 'failed')
            call('HSET', P .. 'm:' .. id, 'bf', flags .. 'g')
        end
    end

    -- Nothing of it is handed over from now on but what a worker holds, in one of the queues that stand at
    -- `first` to `last` of ARGV. Returns 1, or 0: it was over.
    local function broadcast_cancel(broadcast, first, last)
        local key, of, flying, seen = P .. 'b:' .. broadcast, P .. 'bc:' .. broadcast, 0, {}
        write_counts()
        write_leases()
        local state = call('HGET', key, 'st')
        if not state or state == 'cancelled' or state == 'closed' then return 0 end
        for i = first, last do
            for _, lease in ipairs(call('HVALS', P .. 'k:' .. A[i])) do
                local id = string.match(lease, '^%d+|(.*)|[^|]*$')
                local m = message(id, 'br', 's', 'bf')
                if m[1] == broadcast and (m[2] == 'queued' or m[2] == 'sending') then
                    local flags, place, first = m[3] or '', 'queued', id
                    if has(flags, 'm') then
                        place, _, first = others(broadcast, id)
                        place = further(place, place_of(broadcast, m[2], 'f'))
                    end
                    call('HSET', P .. 'm:' .. id, 'bf', flags .. 'f')
                    rewritten(id)
                    if place == 'queued' and not seen[first] then flying = flying + 1 end
                    seen[first] = true
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

    broadcast_made = {furthest = furthest, answer = broadcast_answer, recast = broadcast_recast,
        copy = broadcast_copy, given_up = given_up, cancel = broadcast_cancel}
    return broadcast_made
end
