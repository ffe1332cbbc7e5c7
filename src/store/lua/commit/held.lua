-- held: messages that wait for their person's next word.
-- Made when they are wanted, as those of senders.

local held_made
local function held_ops()
    if held_made then return held_made end

    -- What waits for a person's next word is in hm:<person>:<sender>, and in hx by the end of its wait.
    local function unhold(queue, lane, id)
        local person, sender = string.sub(lane, 2), string.sub(queue, 5)
        local waiting = P .. 'hm:' .. person .. ':' .. sender
        if call('LREM', waiting, '1', id) == 0 then return 0 end
        call('ZREM', P .. 'hx', queue .. '\n' .. lane .. '\n' .. id)
        if call('EXISTS', waiting) == 0 then call('HDEL', P .. 'hg:' .. sender, person) end
        return 1
    end

    -- It goes before what was accepted later: to the front of its lane, behind the one that is being sent.
    local function back(id, detail)
        local m = message(id, 'q', 'l', 's')
        local queue, lane = m[1], m[2]
        if not lane then return end
        call('ZREM', P .. 'hx', queue .. '\n' .. lane .. '\n' .. id)
        if rank(m[3]) >= DECIDED then return end
        note(id, stamp, detail)
        local list = list_of(queue, lane)
        local head = lease_of(queue, lane) and call('LINDEX', list, '0')
        if head then
            call('LINSERT', list, 'AFTER', head, id)
            local key = P .. 'm:' .. head
            local was = message(head, 'hb', 's')
            if was[2] then call('HSET', key, 'hb', id .. ' ' .. (was[1] or '')) end
        elseif call('LPUSH', list, id) == 1 then
            call('ZADD', ready_key(queue, lane), stamp, lane)
            touched[queue] = true
        end
    end

    -- The head waits for a word of its person, until `over`. Returns 0 when he has written meanwhile.
    local function hold(queue, lane, id, over_ms, window_ms, detail)
        local person, sender = string.sub(lane, 2), string.sub(queue, 5)
        local list, result = list_of(queue, lane), 0
        if (call('HGET', P .. 'w:' .. sender, person) or '0') == window_ms then
            call('LREM', list, '1', id)
            local state = message(id, 's')[1]
            if state and rank(state) < DECIDED then
                call('RPUSH', P .. 'hm:' .. person .. ':' .. sender, id)
                call('ZADD', P .. 'hx', over_ms, queue .. '\n' .. lane .. '\n' .. id)
                note(id, stamp, detail)
                result = 1
            end
        end
        if result == 0 then let_by(queue, lane, id, message(id, 'hb', 's')[1]) end
        release(queue, lane, stamp, call('EXISTS', list) == 1)
        return result
    end

    -- Is its last attempt settled by nothing but an acceptance, each before it refused, and nobody at it?
    local function once_sent(id, attempts)
        local m = message(id, 's', 'n', 'ag', 'q', 'l', 'fb')
        if (m[1] ~= 'sent' and m[1] ~= 'uncertain') or m[2] ~= attempts or m[6] or not m[5]
            or tonumber(m[3] or 0) ~= attempts - 1 then
            return false
        end
        return not in_hand(m[4], m[5], id)
    end

    -- Does it wait, with no hand-over that anybody makes or whose end nobody knows?
    local function untaken(queue, lane, id)
        local state = message(id, 's')[1]
        return (state == 'queued' or state == 'sending') and not in_hand(queue, lane, id)
    end

    -- That attempt was refused for certain: it counts no more, and the message goes before what came later.
    local function again(id, at_ms, detail)
        local key = P .. 'm:' .. id
        local m = message(id, 's', 'n', 'q', 'l', 'br', 'bf')
        local queue, lane = m[3], m[4]
        if m[5] and call('HGET', P .. 'b:' .. m[5], 'st') == 'cancelled' then
            status(id, 'failed', at_ms, detail)
            return 0
        end
        call('ZREM', P .. 'dl', 'out:' .. id) -- given up as uncertain
        call('LREM', list_of(queue, lane), '1', id) -- or not yet
        call('HSET', key, 's', 'queued', 'ag', m[2])
        call('HDEL', key, 'r', 'rf', 'rl', 'lu')
        if m[5] then
            tally(m[5], id, m[6] or '', m[1], 'queued')
            call('HSET', key, 'bf', (string.gsub(m[6] or '', 'g', '')))
        end
        back(id, detail)
        if not lease_of(queue, lane) and make_ready(queue, lane, now_ms) then touched[queue] = true end
        return 1
    end

    -- The word will not come: the wait of all that hopes for it is over.
    local function unheard(sender, person)
        if call('HEXISTS', P .. 'hg:' .. sender, person) == 0 then return end
        call('HSET', P .. 'hg:' .. sender, person, 'failed')
        for _, id in ipairs(call('LRANGE', P .. 'hm:' .. person .. ':' .. sender, '0', '-1')) do
            local place = message(id, 'q', 'l')
            if place[2] then call('ZADD', P .. 'hx', 'XX', '0', place[1] .. '\n' .. place[2] .. '\n' .. id) end
        end
    end

    held_made = {unhold = unhold, back = back, hold = hold, once_sent = once_sent, untaken = untaken, again = again,
        unheard = unheard}
    return held_made
end
