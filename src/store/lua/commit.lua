-- commit: the one script that changes what a tenant owns. Several units of work in one call, each
-- all or nothing: its checks all pass before its first write (a script has no rollback), and one that
-- fails leaves the others alone. Written by store/commit.c.
-- ARGV owner lease_ms serial, then for each unit: number of ARGV entries of its checks, of its writes,
-- the checks, the writes. Operations are words with a fixed number of arguments.
--   serial: "" or, where a unit asks for a grant, a number that is the same when the call is asked again
-- Returns one list per unit: {"ok", result of each write that has one...}
--   or {"dup", value} | {"differs"} | {"conflict", key} | {"fenced"} | {"stale"} | {"full"}
local A = ARGV
local owner, lease_ms, serial = A[1], A[2], A[3]

-- A grant whose reply was lost would be a lease that nobody knows of: the reply is kept and given again.
local reply_key = P .. 'x:' .. owner .. ':' .. serial
if serial ~= '' then
    local kept = call('GET', reply_key)
    if kept then return cmsgpack.unpack(kept) end
end

-- When Redis is full, units that hold a lease go on, since they drain it, and the others are refused.
-- The first write tells: it changes nothing, but over maxmemory it is refused; and a script that
-- has written (UNLINK may, always) is not stopped any more.
local full = type(redis.pcall('SETRANGE', P .. 'hw', '0', '')) == 'table'
if full then call('UNLINK', P .. 'full') end

local now = now_us()
local now_ms = math.floor(now / 1000)
local stamp = int(now_ms) -- a number that becomes text costs 1 us each time
local touched, granted = {}, false

-- Every redis.call costs 1 us, and a write as much again in the append-only file. So what the units of a
-- call read and write of one key is gathered: read before the first of them, written behind the last.
-- Nobody sees the time between; what one unit writes and a later one reads is looked up here first.
local leases = {} -- queue -> lane -> value of the lease, false: none any more
local held_before = {} -- the same, as it was before this call, of the lanes that are checked
local messages = {} -- ids for the index of all messages, as ZADD takes them
local ended = {} -- inbound items that came to their end
local gone, emptied = {}, {} -- keys to be deleted; lists whose last item is done: still there until the end
local fresh = {} -- what was seen in this call: key -> fingerprint|value
local seen = {} -- and before it: key -> the same, of the keys that are checked
local learned, hashes = {}, {} -- provider's ids of this call: hash -> message; hashes as they came
local heard = {} -- sender -> people whose held messages go on, and why
local newer = {} -- key -> field -> number: the larger one stays

local function many(command, key, list)
    for i = 1, #list, 2000 do call(command, key, unpack(list, i, math.min(i + 1999, #list))) end
end

local function pairs_of(map)
    local out, n = {}, 0
    for key, value in pairs(map) do
        out[n + 1], out[n + 2] = key, value
        n = n + 2
    end
    return out
end

local function lease_of(queue, lane)
    local held = leases[queue] and leases[queue][lane]
    if held == nil then held = held_before[queue] and held_before[queue][lane] end
    if held ~= nil then return held end
    return call('HGET', P .. 'k:' .. queue, lane)
end

-- The list of a lane for whoever does more than look at its head under a lease.
local function list_of(queue, lane)
    local list = P .. 'l:' .. queue .. ':' .. lane
    if emptied[list] then
        call('UNLINK', list)
        emptied[list] = nil
    end
    return list
end

local function set_lease(queue, lane, held)
    local of = leases[queue]
    if not of then
        of = {}
        leases[queue] = of
    end
    of[lane] = held
end

-- A message's document waits for the next word about it: mostly the place in its lane, in one HSET.
local held_doc, held_key
local function write_doc()
    if held_doc then
        call('HSET', held_key, unpack(held_doc))
        held_doc, held_key = nil, nil
    end
end

-- What is kept for a time and then forgotten stands in hashes taken in turn, the oldest dropped whole. A
-- turn comes when the newest is so many days old, once however far the clock jumped, so no jump forgets.
-- <name>n: "<number of the newest> <ms of its beginning>"; there are no hashes before the first.
local function newest_of(name)
    local newest, since = string.match(call('GET', P .. name .. 'n') or '0 0', '^(%d+) (%d+)$')
    return tonumber(newest), tonumber(since)
end

-- The newest that may be written to; `kept` of them stay.
local function turn_of(name, days, kept)
    local newest, since = newest_of(name)
    if now_ms >= since + days * 86400000 then
        newest = newest + 1
        call('UNLINK', P .. name .. ':' .. newest - kept)
        call('SET', P .. name .. 'n', newest .. ' ' .. stamp)
    end
    return P .. name .. ':' .. newest
end

local function seen_before(key, print)
    local old = fresh[key] or seen[key]
    if old then
        local cut = string.find(old, '|', 1, true)
        local same = string.sub(old, 1, cut - 1)
        if same == print or same == '' or print == '' then return {'dup', string.sub(old, cut + 1)} end
        return {'differs'}
    end
end

-- What a message may become: only up, and failed never after delivered. DECIDED: from there on nothing
-- more is handed over.
local RANK, DECIDED
local function rank(state)
    if not RANK then
        RANK = {queued = 1, sending = 2, uncertain = 3, sent = 4, delivered = 5, read = 6,
            failed = 7, expired = 7, cancelled = 7}
        DECIDED = 4
    end
    return RANK[state]
end

-- The message whose version this unit has checked, as it was then: nothing was written since.
local known_key, known

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

-- Returns moved | kept | none, and the rank it had.
local function move(id, state, at_ms, detail)
    local key = P .. 'm:' .. id
    local m = known_key == key and known or call('HMGET', key, 's', 'tl', 'v', 'br', 'bf')
    known_key = nil
    local from, to = rank(m[1]), rank(state)
    if not from then return 'none' end
    if to <= from or (to == 7 and from >= RANK.delivered) then return 'kept', from end
    if from == 3 then call('ZREM', P .. 'dl', 'out:' .. id) end -- settled after all
    if to == 7 and state ~= 'cancelled' then call('ZADD', P .. 'dl', stamp, 'out:' .. id) end
    call('HSET', key, 's', state, 'tl', (m[2] or '') .. state .. ',' .. at_ms .. ',' .. detail .. '\n')
    if m[4] then tally(m[4], m[5] or '', m[1], state) end
    return 'moved', from
end

-- The same note again takes the place of the last line: to be put off a thousand times is one line.
local function note(id, at_ms, detail)
    local key = P .. 'm:' .. id
    local m = call('HMGET', key, 's', 'tl')
    if not m[1] then return end
    local lines, tail = m[2] or '', ',' .. detail .. '\n'
    local head, last = string.match(lines, '^(.-)([^\n]*\n)$')
    if last and string.sub(last, -#tail) == tail then lines = head end
    call('HSET', key, 'tl', lines .. m[1] .. ',' .. at_ms .. tail)
end

-- Evidence about a message whose lane waits (uncertain, or to be tried again) decides it, and the lane
-- goes on. While a worker holds the lease, its own completion does that.
local function status(id, state, at_ms, detail)
    local moved, from = move(id, state, at_ms, detail)
    if moved == 'moved' and from < DECIDED then
        local at = call('HMGET', P .. 'm:' .. id, 'q', 'l')
        local queue, lane = at[1], at[2]
        if queue and not lease_of(queue, lane) then
            local list = list_of(queue, lane)
            if call('LINDEX', list, '0') == id then
                call('LPOP', list)
                if make_ready(queue, lane, now_ms) then touched[queue] = true end
            end
        end
    end
    return moved
end

-- The item that was just put into an empty lane is leased to us as if we had claimed it, when the
-- rates have room: the token, or nil.
local tats = {} -- rates spent in this call, by sender: written back once, at its end
local fence, fence_end = 0, 0 -- tokens are drawn by the dozen: they grow, gaps do not matter
local paces = {} -- what HMGET told of senders in this call
local function grant(queue, lane, id, interval, burst, pair_interval, pair_burst)
    local pairs_key, person, sender = P .. 'pr:' .. queue, string.sub(lane, 2), string.sub(queue, 5)
    local tat, pair_tat
    if string.sub(queue, 1, 4) == 'out:' then
        local s = paces[sender]
        if not s then
            s = call('HMGET', P .. 'sn:' .. sender, 'paused', 'rest', 'pct', 'since', 'tat')
            paces[sender] = s
        end
        local stands, room
        stands, interval, burst = pace(s, now_ms, interval, burst)
        if stands > 0 then return nil end
        if interval > 0 then
            room, tat = rate_room(tats[sender] or tonumber(s[5] or 0), now, interval, burst)
            if room <= 0 then return nil end
        end
    end
    if pair_interval > 0 then
        local wait
        pair_tat = tonumber(call('HGET', pairs_key, person) or 0)
        wait, pair_tat = pair_wait(pair_tat, now, pair_interval, pair_burst)
        if wait > 0 then return nil end
        call('HSET', pairs_key, person, int(pair_tat + pair_interval))
    end
    if tat then tats[sender] = tat + interval end
    if fence == fence_end then
        fence_end = call('INCRBY', P .. 'fence', '12')
        fence = fence_end - 12
    end
    fence = fence + 1
    set_lease(queue, lane, fence .. '|' .. id .. '|' .. owner)
    granted = true
    return fence
end

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

-- A message knows its lane, so that a status finds it; an attempt is durable before its first byte.
local function place(key, queue, lane, token)
    local doc = held_key == key and held_doc
    local begun = token and 'sending,' .. stamp .. ',attempt 1\n'
    if not doc then
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

-- Returns the token or 0. at: where the rates stand, or nil when no grant is asked for.
local function enqueue(queue, lane, id, not_before, at)
    local token
    if not_before ~= '0' and tonumber(not_before) > now_ms then
        call('ZADD', P .. 's:' .. queue, not_before, lane .. '\n' .. id)
        touched[queue] = true
    elseif call('RPUSH', list_of(queue, lane), id) == 1 then
        token = at and grant(queue, lane, id, tonumber(A[at]), tonumber(A[at + 1]), A[at + 2] * 1000,
            tonumber(A[at + 3]))
        if not token then
            call('ZADD', ready_key(queue, lane), stamp, lane)
            touched[queue] = true
        end
    end -- else the lane is ready already, put off or leased
    if string.sub(queue, 1, 4) == 'out:' then place(P .. 'm:' .. id, queue, lane, token) end
    return token or 0
end

-- The end of a lease; more: there are items behind.
local function release(queue, lane, not_before_ms, more)
    set_lease(queue, lane, false)
    if more then
        call('ZADD', ready_key(queue, lane), not_before_ms, lane)
        touched[queue] = true
    end
end

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
    local m = call('HMGET', P .. 'm:' .. id, 'q', 'l', 's')
    local queue, lane = m[1], m[2]
    if not lane then return end
    call('ZREM', P .. 'hx', queue .. '\n' .. lane .. '\n' .. id)
    if rank(m[3]) >= DECIDED then return end
    note(id, stamp, detail)
    local list = list_of(queue, lane)
    local head = lease_of(queue, lane) and call('LINDEX', list, '0')
    if head then
        call('LINSERT', list, 'AFTER', head, id)
    elseif call('LPUSH', list, id) == 1 then
        call('ZADD', ready_key(queue, lane), stamp, lane)
        touched[queue] = true
    end
end

-- The item of a lease is the head of its lane; should it not be, only that item goes.
local function finish(queue, lane, id)
    local list = P .. 'l:' .. queue .. ':' .. lane
    local two = call('LRANGE', list, '0', '1')
    if two[1] == id and not two[2] then
        emptied[list] = true
    else
        call('LREM', list, '1', id)
    end
    release(queue, lane, stamp, two[2] or two[1] ~= id and two[1])
end

-- What the checks of all units look at, read at once.
local lanes, keys = {}, {}
local at = 4
while at <= #A do
    local check = at + 2
    local writes = check + A[at]
    at = writes + A[at + 1]
    while check < writes do
        local op = A[check]
        if op == 'lease' then
            local of = lanes[A[check + 1]]
            if not of then
                of = {}
                lanes[A[check + 1]] = of
            end
            of[#of + 1] = A[check + 2]
        elseif op == 'new' then
            keys[#keys + 1] = A[check + 1]
        end
        check = check + ((op == 'lease' or op == 'owner') and 5 or op == 'held' and 4 or 3)
    end
end
for queue, of in pairs(lanes) do
    local found, held = call('HMGET', P .. 'k:' .. queue, unpack(of)), {}
    for i = 1, #of do held[of[i]] = found[i] end
    held_before[queue] = held
end
if #keys > 0 then
    local newest = newest_of('d')
    for turn = newest, math.max(newest - 2, 1), -1 do
        local found = call('HMGET', P .. 'd:' .. turn, unpack(keys))
        for i = 1, #keys do seen[keys[i]] = seen[keys[i]] or found[i] end
    end
end

local results, units, most = {}, 0, #A
at = 4
while at <= most do
    local checks_end = at + 2 + A[at]
    local stop = checks_end + A[at + 1]
    local refused
    local leased -- the item whose lease this unit holds
    at = at + 2

    while at < checks_end and not refused do
        local op = A[at]
        if op == 'lease' then -- still ours: queue lane id token
            local held = lease_of(A[at + 1], A[at + 2])
            local prefix = A[at + 4] .. '|' .. A[at + 3] .. '|'
            if not held or string.sub(held, 1, #prefix) ~= prefix then refused = {'fenced'} end
            leased = A[at + 3]
            at = at + 5
        elseif op == 'new' then -- not seen before: key, fingerprint of the content
            refused = seen_before(A[at + 1], A[at + 2])
            at = at + 3
        elseif op == 'version' then -- document at this version ("0": absent): key version
            local version
            if string.sub(A[at + 1], 1, 2) == 'm:' then -- mostly it is moved next
                known_key = P .. A[at + 1]
                known = call('HMGET', known_key, 's', 'tl', 'v', 'br', 'bf')
                version = known[3]
            else
                version = call('HGET', P .. A[at + 1], 'v')
            end
            if (version or '0') ~= A[at + 2] then refused = {'conflict', A[at + 1]} end
            at = at + 3
        elseif op == 'mark' then -- not older than what was accepted for this key: key mark
            local have = call('HGET', P .. 'rv', A[at + 1])
            if have and tonumber(A[at + 2]) < tonumber(have) then refused = {'stale'} end
            at = at + 3
        elseif op == 'owner' then -- a field of an index is absent, or one of these: key field value value
            local owner = call('HGET', P .. A[at + 1], A[at + 2])
            if owner and owner ~= A[at + 3] and owner ~= A[at + 4] then refused = {'conflict', A[at + 1]} end
            at = at + 5
        elseif op == 'held' then -- it waits for a word: queue lane id
            local held = A[at + 1] .. '\n' .. A[at + 2] .. '\n' .. A[at + 3]
            if not call('ZSCORE', P .. 'hx', held) then refused = {'conflict', 'hx'} end
            at = at + 4
        else
            error('commit: check ' .. op)
        end
    end
    if full and not leased and not refused then refused = {'full'} end

    local ok = {'ok'}
    if refused then at = stop end
    -- One chain instead of a table of functions: making that table costs more than the work (5 us).
    while at < stop do
        local op, a, b, c, d, e = A[at], A[at + 1], A[at + 2], A[at + 3], A[at + 4], A[at + 5]
        local result
        if held_doc and op ~= 'zadd' and op ~= 'grant' and op ~= 'enqueue' then write_doc() end
        if known_key and op ~= 'message_state' then known_key = nil end
        if op == 'status' then
            -- from a provider: id ("" when not told) provider_hash state at_ms detail -> moved | kept | none
            if a == '' then a = learned[b] or message_of(b) end
            if a then
                result = status(a, c, d, e)
            else
                -- It came before the answer to our send: kept for "provider_id", an hour.
                result = 'none'
                local early = P .. 'ps:' .. b
                if call('RPUSH', early, c .. '|' .. d .. '|' .. e) > 8 then call('LPOP', early) end
                call('PEXPIRE', early, 3600000)
            end
            at = at + 6
        elseif op == 'finish' then -- the head: queue lane id
            finish(a, b, c)
            at = at + 4
        elseif op == 'message_state' then -- id state at_ms detail -> moved | kept | none
            result = move(a, b, c, d)
            at = at + 5
        elseif op == 'unsend' then -- the attempt that the claim counted did not happen: id
            local key = P .. 'm:' .. a
            local lines = call('HGET', key, 'tl')
            call('HINCRBY', key, 'n', -1)
            if lines then
                local less, cut = string.gsub(lines, 'sending,%d+,attempt [^\n]*\n$', '')
                if cut > 0 then call('HSET', key, 'tl', less) end
            end
            at = at + 2
        elseif op == 'note' then -- a line of the timeline that moves nothing: id at_ms detail
            note(a, b, c)
            at = at + 4
        elseif op == 'provider_id' then -- learn the provider's id of a message: hash id
            if not learned[a] then hashes[#hashes + 1] = a end
            learned[a] = b
            at = at + 3
        elseif op == 'enqueue' then -- queue lane id not_before_ms -> 0
            result = enqueue(a, b, c, d)
            at = at + 5
        elseif op == 'grant' then -- and interval_us burst pair_interval_ms pair_burst -> token or 0
            result = enqueue(a, b, c, d, at + 5)
            at = at + 9
        elseif op == 'event' then -- for the CMMS: lane body callback -> sequence
            result = call('INCR', P .. 'seq')
            if c == '1' then
                call('XADD', P .. 'ev', result .. '-0', 'b', b, 'c', '1')
                if call('RPUSH', list_of('cb', a), result) == 1 then
                    call('ZADD', ready_key('cb', a), stamp, a)
                    touched.cb = true
                end
            else
                call('XADD', P .. 'ev', result .. '-0', 'b', b)
            end
            at = at + 4
        elseif op == 'doc' then -- document: key version body n field value...
            local last = at + 4 + 2 * d
            if string.sub(a, 1, 2) == 'm:' then
                held_key, held_doc = P .. a, {'v', b, 'b', c, unpack(A, at + 5, last)}
            else
                call('HSET', P .. a, 'v', b, 'b', c, unpack(A, at + 5, last))
            end
            at = last + 1
        elseif op == 'seen' then -- remember as seen: key fingerprint value
            fresh[a] = b .. '|' .. c
            at = at + 4
        elseif op == 'put_off' then -- the head: queue lane wait_ms
            -- Evidence may have come while the lease was held: then there is nothing to wait for.
            local state = string.sub(a, 1, 4) == 'out:' and call('HGET', P .. 'm:' .. leased, 's')
            if state and rank(state) >= DECIDED then
                finish(a, b, leased)
            else
                release(a, b, int(now_ms + c), call('EXISTS', P .. 'l:' .. a .. ':' .. b) == 1)
            end
            at = at + 4
        elseif op == 'ended' then -- for the books: queue ("in" or "cb") id
            if a == 'in' then
                ended[#ended + 1] = b
            else
                call('SETBIT', P .. 'es:' .. math.floor(b / 65536), b % 65536, '1')
            end
            at = at + 3
        elseif op == 'extend' then -- keep the lease longer: queue lane lease_ms
            call('ZADD', P .. 'f:' .. a, 'XX', now_ms + c, b)
            at = at + 4
        elseif op == 'withdraw' then
            -- take an item out, unless a worker has it; a message is cancelled with it:
            -- queue lane id -> 1 taken
            local list = list_of(a, b)
            local held = lease_of(a, b)
            local out = string.sub(a, 1, 4) == 'out:'
            result = 0
            if not held or not string.find(held, '|' .. c .. '|', 1, true) then
                local head = call('LINDEX', list, '0') == c
                result = call('LREM', list, '1', c)
                if result == 0 then result = call('ZREM', P .. 's:' .. a, b .. '\n' .. c) end
                if result == 0 and out then result = unhold(a, b, c) end
                -- What the lane waited for, it waited for with this item.
                if head and make_ready(a, b, now_ms) then touched[a] = true end
                if result == 1 and out then move(c, 'cancelled', now_ms, '') end
            end
            if result == 0 and out and call('HGET', P .. 'm:' .. c, 's') == 'cancelled' then
                result = 1 -- asked again
            end
            at = at + 4
        elseif op == 'hset' then -- key field value
            call('HSET', P .. a, b, c)
            at = at + 4
        elseif op == 'hdel' then -- key field
            call('HDEL', P .. a, b)
            at = at + 3
        elseif op == 'hincr' then -- key field by -> new value
            result = call('HINCRBY', P .. a, b, c)
            at = at + 4
        elseif op == 'hmax' or op == 'ahead' then -- largest wins: key field number, or us from now
            local key, n = P .. a, tonumber(c)
            if op == 'ahead' then n = now + n end
            local of = newer[key]
            if not of then
                of = {}
                newer[key] = of
            end
            if not of[b] or n > of[b] then of[b] = n end
            at = at + 4
        elseif op == 'zadd' then -- key score member
            if a == 'mx' then
                messages[#messages + 1], messages[#messages + 2] = b, c
            else
                call('ZADD', P .. a, b, c)
            end
            at = at + 4
        elseif op == 'zrem' then -- key member
            many('ZADD', P .. 'mx', messages)
            messages = {}
            call('ZREM', P .. a, b)
            at = at + 3
        elseif op == 'mark' then -- the newest accepted for this key: key mark
            local have = call('HGET', P .. 'rv', a)
            if not have or tonumber(b) > tonumber(have) then call('HSET', P .. 'rv', a, b) end
            at = at + 3
        elseif op == 'append' then -- to a list that keeps its newest: key body most
            if call('RPUSH', P .. a, b) > tonumber(c) then call('LTRIM', P .. a, -c, -1) end
            at = at + 4
        elseif op == 'log' then -- to a stream (audit): key body
            call('XADD', P .. a, '*', 'b', b)
            at = at + 3
        elseif op == 'sender' then -- id slow|rest|pause|resume number token why advice -> 1 news
            result = sender_told(a, b, c, d, e, A[at + 6])
            at = at + 7
        elseif op == 'put_for' then -- plain value that ends by itself: key value ms
            call('SET', P .. a, b, 'PX', c)
            at = at + 4
        elseif op == 'fields' then -- of a plain hash: key n field value...
            many('HSET', P .. a, {unpack(A, at + 3, at + 2 + 2 * b)})
            at = at + 3 + 2 * b
        elseif op == 'persist' then -- what was kept for some time stays: key
            call('PERSIST', P .. a)
            at = at + 2
        elseif op == 'broadcast_answer' then -- the newest counts: id person answer at_ms -> first | again | none
            local message, had = call('HGET', P .. 'bm:' .. a, b), call('HGET', P .. 'ba:' .. a, b)
            local was, was_at = string.match(had or '', '^(.*)|(%d+)$')
            result = message and 'first' or 'none'
            if was then result = 'again' end
            if message and (not was or tonumber(d) >= tonumber(was_at)) then
                local key, of = P .. 'm:' .. message, counts[a] or {}
                call('HSET', P .. 'ba:' .. a, b, c .. '|' .. d)
                counts[a] = of
                if was ~= c then
                    of[c] = (of[c] or 0) + 1
                    if was then of[was] = (of[was] or 0) - 1 end
                end
                if not was then
                    local m = call('HMGET', key, 's', 'bf')
                    local state = m[1]
                    of.answered = (of.answered or 0) + 1
                    if state == 'sent' or state == 'delivered' or state == 'read' then
                        of.silent = (of.silent or 0) - 1
                    end
                    if state then call('HSET', key, 'bf', (m[2] or '') .. 'a') end
                end
            end
            at = at + 5
        elseif op == 'broadcast_recast' then -- another message takes the place of one: id old new
            local m = call('HMGET', P .. 'm:' .. b, 'br', 's', 'bf')
            if m[1] == a then
                local flags = m[3] or ''
                tally(a, flags, m[2], 'queued')
                call('HDEL', P .. 'm:' .. b, 'br')
                if string.find(flags, 'a', 1, true) then call('HSET', P .. 'm:' .. c, 'bf', 'a') end
            end
            at = at + 4
        elseif op == 'given_up' then -- uncertain for good: id
            local m = call('HMGET', P .. 'm:' .. a, 's', 'br', 'bf')
            local flags = m[3] or ''
            if m[1] == 'uncertain' and m[2] and not string.find(flags, 'g', 1, true) then
                tally(m[2], flags, 'uncertain', 'failed')
                call('HSET', P .. 'm:' .. a, 'bf', flags .. 'g')
            end
            at = at + 2
        elseif op == 'broadcast_cancel' then
            -- Nothing of it is handed over from now on but what a worker holds: id n queue... -> 1 it is
            result = 0
            write_counts()
            local state, flying = call('HGET', P .. 'b:' .. a, 'st'), 0
            for i = at + 3, at + 2 + b do
                local held = state and state ~= 'cancelled' and state ~= 'closed' and call('HVALS', P .. 'k:' .. A[i]) or {}
                for _, lease in ipairs(held) do
                    local id = string.match(lease, '^%d+|(.*)|[^|]*$')
                    local m = call('HMGET', P .. 'm:' .. id, 'br', 's', 'bf')
                    if m[1] == a and (m[2] == 'queued' or m[2] == 'sending') then
                        call('HSET', P .. 'm:' .. id, 'bf', (m[3] or '') .. 'f')
                        flying = flying + 1
                    end
                end
            end
            if state and state ~= 'cancelled' and state ~= 'closed' then
                local waiting = tonumber(call('HGET', P .. 'bc:' .. a, 'queued') or 0) - flying
                if waiting ~= 0 then
                    call('HINCRBY', P .. 'bc:' .. a, 'queued', int(-waiting))
                    call('HINCRBY', P .. 'bc:' .. a, 'cancelled', int(waiting))
                end
                call('HSET', P .. 'b:' .. a, 'st', 'cancelled')
                call('HINCRBY', P .. 'b:' .. a, 'v', 1)
                cancelled[a] = true
                result = 1
            end
            at = at + 3 + b
        elseif op == 'delete' then -- key
            if string.sub(a, 1, 2) == 'm:' then
                local m = call('HMGET', P .. a, 'br', 's', 'bf')
                if m[1] and rank(m[2]) < DECIDED then tally(m[1], m[3] or '', m[2], 'cancelled') end
            end
            -- Nobody writes to an item again; another key may be made anew by the next unit.
            local kind = string.sub(a, 1, 2)
            if kind == 'i:' then gone[#gone + 1] = P .. a else call('UNLINK', P .. a) end
            if kind == 'm:' then call('ZREM', P .. 'dl', 'out:' .. string.sub(a, 3)) end
            at = at + 2
        elseif op == 'hold' then -- the head waits for a word: queue lane id over_ms window_ms detail -> 1 | 0
            local person, sender, key = string.sub(b, 2), string.sub(a, 5), P .. 'm:' .. c
            local list = list_of(a, b)
            result = 0
            if (call('HGET', P .. 'w:' .. sender, person) or '0') == e then
                call('LREM', list, '1', c)
                local state = call('HGET', key, 's')
                if state and rank(state) < DECIDED then
                    call('RPUSH', P .. 'hm:' .. person .. ':' .. sender, c)
                    call('ZADD', P .. 'hx', d, a .. '\n' .. b .. '\n' .. c)
                    note(c, stamp, A[at + 6])
                    result = 1
                end
            end
            release(a, b, stamp, call('EXISTS', list) == 1)
            at = at + 7
        elseif op == 'heard' then -- what waits goes on: sender person detail
            local of = heard[a]
            if not of then
                of = {people = {}, why = {}}
                heard[a] = of
            end
            of.people[#of.people + 1] = b
            of.why[b] = c
            at = at + 4
        elseif op == 'unheard' then -- the word will not come: sender person
            if call('HEXISTS', P .. 'hg:' .. a, b) == 1 then
                call('HSET', P .. 'hg:' .. a, b, 'failed')
                for _, id in ipairs(call('LRANGE', P .. 'hm:' .. b .. ':' .. a, '0', '-1')) do
                    local place = call('HMGET', P .. 'm:' .. id, 'q', 'l')
                    if place[2] then
                        call('ZADD', P .. 'hx', 'XX', '0', place[1] .. '\n' .. place[2] .. '\n' .. id)
                    end
                end
            end
            at = at + 3
        elseif op == 'unhold' then -- one waits no more: queue lane id
            unhold(a, b, c)
            at = at + 4
        elseif op == 'window_shut' then -- his last word is older than we thought: sender person window_ms
            local word = call('HGET', P .. 'w:' .. a, b)
            if word and tonumber(word) <= tonumber(c) then call('HDEL', P .. 'w:' .. a, b) end
            at = at + 4
        else
            error('commit: write ' .. op)
        end
        if result then ok[#ok + 1] = result end
    end
    write_doc()
    known_key = nil
    units = units + 1
    results[units] = refused or ok
end
-- Statuses that came before the answer to our send, now that it is known whose they are.
if #hashes > 0 then
    local keys = {}
    for i, hash in ipairs(hashes) do keys[i] = P .. 'ps:' .. hash end
    if call('EXISTS', unpack(keys)) > 0 then
        for i, key in ipairs(keys) do
            for _, one in ipairs(call('LRANGE', key, 0, -1)) do
                status(learned[hashes[i]], string.match(one, '^(.-)|(.-)|(.*)$'))
            end
        end
        call('UNLINK', unpack(keys))
    end
end
write_counts()
local till = int(now_ms + lease_ms)
for queue, of in pairs(leases) do
    local held, ends, over = {}, {}, {}
    for lane, value in pairs(of) do
        if value then
            held[#held + 1], held[#held + 2] = lane, value
            ends[#ends + 1], ends[#ends + 2] = till, lane
        else
            over[#over + 1] = lane
        end
    end
    many('HDEL', P .. 'k:' .. queue, over)
    many('ZREM', P .. 'f:' .. queue, over)
    many('HSET', P .. 'k:' .. queue, held)
    many('ZADD', P .. 'f:' .. queue, ends)
end
for key, of in pairs(newer) do
    local fields, out = {}, {}
    for field in pairs(of) do fields[#fields + 1] = field end
    local have = call('HMGET', key, unpack(fields))
    for i, field in ipairs(fields) do
        if not have[i] or of[field] > tonumber(have[i]) then
            out[#out + 1], out[#out + 2] = field, int(of[field])
        end
    end
    many('HSET', key, out)
end
-- What waited for somebody's word goes on.
for sender, of in pairs(heard) do
    local asked = call('HMGET', P .. 'hg:' .. sender, unpack(of.people))
    for i, person in ipairs(of.people) do
        local waiting = P .. 'hm:' .. person .. ':' .. sender
        if asked[i] and call('HDEL', P .. 'hg:' .. sender, person) == 1 then
            local ids = call('LRANGE', waiting, '0', '-1')
            for n = #ids, 1, -1 do back(ids[n], of.why[person]) end
            call('UNLINK', waiting)
        end
    end
end
many('ZADD', P .. 'mx', messages)
for list in pairs(emptied) do gone[#gone + 1] = list end
for i = 1, #gone, 2000 do call('UNLINK', unpack(gone, i, math.min(i + 1999, #gone))) end
if next(fresh) then many('HSET', turn_of('d', 4, 3), pairs_of(fresh)) end
if #hashes > 0 then many('HSET', turn_of('p', 30, 4), pairs_of(learned)) end
if #ended > 0 then call('APPEND', turn_of('ei', 4, 4), table.concat(ended, '\n') .. '\n') end
for sender, tat in pairs(tats) do call('HSET', P .. 'sn:' .. sender, 'tat', int(tat)) end
if granted then call('SET', reply_key, cmsgpack.pack(results), 'PX', 10000) end
for queue in pairs(touched) do call('PUBLISH', 'crewline:wake', P .. queue) end
return results
