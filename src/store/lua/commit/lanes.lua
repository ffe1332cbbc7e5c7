-- lanes: items into their queue, leased, and out of it.

-- The item that was just put into an empty lane is leased to us as if we had claimed it, when the
-- rates have room: the token, or nil. whom: "a" an answer; "b" one of many, which goes before nobody who
-- waits for the rate; "o" such a one to somebody outside his window, whom the tier would have to count.
local tats = {} -- rates spent in this call, by sender: written back once, at its end
local fence, fence_end = 0, 0 -- tokens are drawn by the dozen: they grow, gaps do not matter
local paces = {} -- what HMGET told of senders in this call
local senders = {} -- queue -> its sender, or false
local held_till = owner .. '.g' .. serial .. '.' .. int(now_ms + lease_ms) .. 'h'
local function sender_of(queue) -- its name, or false, and how it stands
    local sender = senders[queue]
    if sender == nil then
        sender = string.match(queue, '^out:(.*)$') or false
        senders[queue] = sender
    end
    if sender and not paces[sender] then
        paces[sender] = call('HMGET', P .. 'sn:' .. sender, 'paused', 'rest', 'pct', 'since', 'tat', 'people')
    end
    return sender, sender and paces[sender]
end

local function next_token()
    if fence == fence_end then
        fence_end = call('INCRBY', P .. 'fence', '12')
        fence = fence_end - 12
    end
    fence = fence + 1
    granted = true
    return fence
end

local function grant(queue, lane, id, whom, interval, burst, pair_interval, pair_burst, as_written)
    local sender, s = sender_of(queue)
    local tat, pair_tat
    if sender then
        local stands, room
        stands, interval, burst = pace(s, now_ms, interval, burst)
        if stands > 0 then return nil end
        if whom ~= 'a' and (interval > 0 or (whom == 'o' and (s[6] or '0') ~= '0')) then return nil end
        if interval > 0 then
            room, tat = rate_room(tats[sender] or tonumber(s[5] or 0), now, interval, burst)
            if room <= 0 then return nil end
        end
    end
    if pair_interval > 0 then
        local pairs_key, person, wait = P .. 'pr:' .. queue, string.sub(lane, 2), nil
        pair_tat = tonumber(call('HGET', pairs_key, person) or 0)
        wait, pair_tat = pair_wait(pair_tat, now, pair_interval, pair_burst)
        if wait > 0 then return nil end
        call('HSET', pairs_key, person, int(pair_tat + pair_interval))
    end
    if tat then tats[sender] = tat + interval end
    local token = next_token()
    set_lease(queue, lane, token .. '|' .. id .. '|' .. (as_written or '') .. held_till)
    return token
end

-- Has a queue neither a rate nor a tier that grants would have to count?
local function unlimited(queue, whom, interval, pair_interval)
    local sender, s = sender_of(queue)
    if not sender or pair_interval > 0 then return false end
    local stands, in_force = pace(s, now_ms, interval, 0)
    return stands == 0 and in_force == 0 and (whom ~= 'o' or (s[6] or '0') == '0')
end

-- A message knows its lane, so that a status finds it; an attempt is durable before its first byte.
local function place(key, queue, lane, token)
    local doc = held_key == key and held_doc
    local begun = token and 'sending,' .. stamp .. ',attempt 1\n'
    if not doc then
        writes_to(string.sub(key, #P + 1))
        if token then
            call('HSET', key, 'q', queue, 'l', lane, 's', 'sending', 'n', '1', 'tl',
                (call('HGET', key, 'tl') or '') .. begun)
        else
            call('HSET', key, 'q', queue, 'l', lane)
        end
        return
    end
    local n = #doc
    doc[n + 1], doc[n + 2], doc[n + 3], doc[n + 4] = 'q', queue, 'l', lane
    if token then
        local line = ''
        for i = 1, n, 2 do
            if doc[i] == 'tl' then line = doc[i + 1] end
        end
        doc[n + 5], doc[n + 6], doc[n + 7], doc[n + 8] = 's', 'sending', 'n', '1'
        doc[n + 9], doc[n + 10] = 'tl', line .. begun
    end
    write_doc()
end

-- Into its lane, or held by hand: the token when it is granted. whom: nil or false: no grant is asked for;
-- no_lists: it is known that nothing stands in a lane that nobody holds; as_written: for its lease.
local function join(queue, lane, id, not_before, whom, interval, burst, pair_interval, pair_burst, no_lists, as_written)
    if not_before ~= '0' and tonumber(not_before) > now_ms then
        call('ZADD', P .. 's:' .. queue, not_before, lane .. '\n' .. id)
        touched[queue] = true
        return nil
    end
    if whom and not lease_of(queue, lane) and (no_lists or call('EXISTS', end_of(queue, lane)) == 0) then
        local token = grant(queue, lane, id, whom, interval, burst, pair_interval, pair_burst, as_written)
        if token then return token end
    end
    if call('RPUSH', end_of(queue, lane), id) > 1 then return nil end -- the lane is ready already, put off or leased
    local held = lease_of(queue, lane)
    if held then
        set_lease(queue, lane, (string.gsub(held, 'h$', 'H')))
    else
        call('ZADD', ready_key(queue, lane), stamp, lane)
        touched[queue] = true
    end
end

-- Returns the token or 0. at: where whom and the rates stand, or nil when no grant is asked for.
local function enqueue(queue, lane, id, not_before, at)
    local token
    if at then
        token = join(queue, lane, id, not_before, A[at], tonumber(A[at + 1]), tonumber(A[at + 2]),
            A[at + 3] * 1000, tonumber(A[at + 4]))
    else
        token = join(queue, lane, id, not_before)
    end
    if string.sub(queue, 1, 4) == 'out:' then place(P .. 'm:' .. id, queue, lane, token) end
    return token or 0
end

-- Is no lane of this queue ready, so that each has a holder or nothing? Read, for lease_of(), is who holds those
-- that are named at `first`, and at each `step` behind it.
local function none_wait(queue, first, stop, step)
    local names, n, held = {}, 0, held_before[queue] or {}
    for i = first, stop - 1, step do
        n = n + 1
        names[n] = A[i]
    end
    local found = call('HMGET', P .. 'k:' .. queue, unpack(names))
    for i = 1, n do held[names[i]] = found[i] end
    held_before[queue] = held
    local ready = P .. 'r:' .. queue .. ':'
    return call('EXISTS', ready .. '0', ready .. '1', ready .. '2', ready .. '3', ready .. '4') == 0
end

-- New messages that differ in id, lane, user ("": the lane says him) and body alone; behind `at` what they share,
-- then them. first: "1" when the broadcast's bm names them as what their people are told. head: "", or so long is, in
-- front of lane, line feed and body, what stands before each body, in the form in which it is kept folded (common.lua):
-- those that are granted are. Their records, their places in the lists and in their lanes; their tokens, or 0, go
-- to `out`.
local function new_messages(at, out)
    local order, broadcast, first, matter, line, queue, not_before, whom, rate, head, n = unpack(A, at + 1, at + 11)
    local interval, burst, pair_interval, pair_burst = 0, 0, 0, 0
    if rate ~= '' then
        local i, b, pi, pb = string.match(rate, '(%S+) (%S+) (%S+) (%S+)')
        interval, burst, pair_interval, pair_burst = tonumber(i), tonumber(b), pi * 1000, tonumber(pb)
    end
    local begun = line .. 'sending,' .. stamp .. ',attempt 1\n'
    local as_written = (head ~= '' or broadcast == '') and not string.find(line, '|', 1, true)
        and broadcast .. '\n' .. begun
    local cells = {} -- of those that are kept folded: cell -> fields
    local shared = {'q', queue}
    if order ~= '' then shared[#shared + 1], shared[#shared + 2] = 'o', order end
    if broadcast ~= '' then shared[#shared + 1], shared[#shared + 2] = 'br', broadcast end
    if matter ~= '' then shared[#shared + 1], shared[#shared + 2] = 'mt', matter end
    local named = first ~= '' and call('HGET', P .. 'b:' .. broadcast, 'fs') -- how ids begin that bm alone names
    local stop = at + 12 + 4 * n
    local no_lists = whom ~= '' and none_wait(queue, at + 13, stop, 4)
    -- With nothing to count a lane that nobody holds is granted: as join() and grant() would, one after the other.
    local free = no_lists and tonumber(not_before) <= now_ms and unlimited(queue, whom, interval, pair_interval)
    local of, before, says = leases[queue] or {}, held_before[queue], (as_written or '') .. held_till
    leases[queue] = of
    local told, ntold = {}, 0 -- person, message: as bm takes them
    for i = at + 12, stop - 1, 4 do
        local id, lane, user, body = A[i], A[i + 1], A[i + 2], A[i + 3]
        if user == '' then user = string.sub(lane, 2) end
        told[ntold + 1], told[ntold + 2] = user, id
        ntold = ntold + 2
        messages[#messages + 1], messages[#messages + 2] = '0', id
        if not named or string.find(id, named, 1, true) ~= 1 then call('ZADD', P .. 'mu:' .. user, '0', id) end
        if order ~= '' then call('ZADD', P .. 'mo:' .. order, '0', id) end
        local token
        if free and not of[lane] and (of[lane] == false or not before[lane]) then
            token = next_token()
            of[lane] = token .. '|' .. id .. '|' .. says
        else
            token = join(queue, lane, id, not_before, whom ~= '' and whom, interval, burst, pair_interval, pair_burst,
                no_lists, as_written)
        end
        if token and head ~= '' then
            into_cell(cells, id, '', body)
        elseif token then -- what is read most stands in front: a small hash is searched from there
            call('HSET', P .. 'm:' .. id, 's', 'sending', 'tl', begun, 'n', '1', 'l', lane, 'b', body, unpack(shared))
        else
            if head ~= '' then body = string.sub(body, head + #lane + 2) end
            call('HSET', P .. 'm:' .. id, 's', 'queued', 'tl', line, 'l', lane, 'b', body, unpack(shared))
        end
        if A[i + 2] ~= '' then call('HSET', P .. 'm:' .. id, 'u', user) end
        out[#out + 1] = token or 0
    end
    write_cells(cells)
    if first ~= '' then many('HSET', P .. 'bm:' .. broadcast, told) end
    return stop
end

-- The end of a lease; more: there are items behind.
local function release(queue, lane, not_before_ms, more)
    set_lease(queue, lane, false)
    if more then
        call('ZADD', ready_key(queue, lane), not_before_ms, lane)
        touched[queue] = true
    end
end

-- The head was not handed over, and meanwhile older ones were put behind it (hb; held.lua): they go first.
local function let_by(queue, lane, id, older)
    if not older then return end
    local list, last = list_of(queue, lane), nil
    local ids = {}
    for one in string.gmatch(older, '%S+') do ids[#ids + 1], ids[one] = one, true end
    for at, one in ipairs(call('LRANGE', list, '0', #ids)) do
        if at == 1 and one ~= id then return end
        if ids[one] then last = one end
    end
    call('HDEL', P .. 'm:' .. id, 'hb')
    if last then
        call('LPOP', list)
        call('LINSERT', list, 'AFTER', last, id)
    end
end

-- The item of a lease is held by hand or the head of its lane; should it be neither, only that item goes.
local function finish(queue, lane, id)
    local held = lease_of(queue, lane)
    if is_hand(held) and string.find(held, '|' .. id .. '|', 1, true) then
        return release(queue, lane, stamp, string.byte(held, -1) == 72)
    end
    local list = P .. 'l:' .. queue .. ':' .. lane
    local two = call('LRANGE', list, '0', '1')
    if two[1] == id and not two[2] then
        emptied[list] = true
    else
        call('LREM', list, '1', id)
    end
    release(queue, lane, stamp, two[2] or two[1] ~= id and two[1])
end
