-- units: the work asked for, one unit after the other.

-- What the checks of all units look at, read at once.
local lanes, keys = {}, {}
local function lanes_of(queue)
    local of = lanes[queue] or {}
    lanes[queue] = of
    return of
end
local at, most = 4, #A
while at <= most do
    local check = at + 2
    local writes = check + A[at]
    at = writes + A[at + 1]
    while check < writes do
        local op = A[check]
        if op == 'lease' or op == 'leased' then
            local of = lanes_of(A[check + 1])
            of[#of + 1] = A[check + 2]
        elseif op == 'new' then
            keys[#keys + 1] = A[check + 1]
        end
        local two = op == 'new' or op == 'version' or op == 'mark' or op == 'once_sent'
        check = check + (two and 3 or op == 'owner' and 5 or 4)
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

local results, units = {}, 0

-- Still ours, by the beginning of the lease's value, "token|id|"; and, if asked for, its record is there: nil, or
-- what the unit is refused with.
local function ours(queue, lane, prefix, id, record)
    local held = lease_of(queue, lane)
    if not held or string.sub(held, 1, #prefix) ~= prefix then return {'fenced'} end
    if record and not know(id) then return {'conflict', 'm:' .. id} end
end

-- What the lease is for, a message, was handed over: "at_ms,detail", provider_hash.
local function handed_over(queue, lane, id, line, hash)
    move(id, 'sent', line, nil, queue, lane)
    if hash ~= '' then learn(hash, id) end
    finish(queue, lane, id)
end

at = 4
while at <= most do
    local checks_end = at + 2 + A[at]
    local stop = checks_end + A[at + 1]
    local refused
    local leased, leased_queue, leased_lane -- the item whose lease this unit holds
    at = at + 2

    while at < checks_end and not refused do
        local op = A[at]
        if op == 'lease' or op == 'leased' then -- still ours: queue lane "token|id|"; and its record is there
            leased_queue, leased_lane, leased = A[at + 1], A[at + 2], string.match(A[at + 3], '|(.*)|')
            refused = ours(leased_queue, leased_lane, A[at + 3], leased, op == 'leased')
            at = at + 4
        elseif op == 'new' then -- not seen before: key, fingerprint of the content
            refused = seen_before(A[at + 1], A[at + 2])
            at = at + 3
        elseif op == 'version' then -- document at this version ("0": absent): key version
            local key = P .. A[at + 1]
            local version = string.sub(A[at + 1], 1, 2) == 'm:' and is_there(string.sub(A[at + 1], 3)) and '1'
                or call('HGET', key, 'v')
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
        elseif op == 'untaken' then -- a message that waits, in nobody's hands: queue lane id
            if not held_ops().untaken(A[at + 1], A[at + 2], A[at + 3]) then refused = {'conflict', 'm:' .. A[at + 3]} end
            at = at + 4
        elseif op == 'once_sent' then -- out once, and nobody is at it: id attempts
            if not held_ops().once_sent(A[at + 1], A[at + 2]) then refused = {'conflict', 'm:' .. A[at + 1]} end
            at = at + 3
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
        if known_key and op ~= 'message_state' and op ~= 'sent' then known_key = nil end
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
                call('SET', P .. 'ps', '', 'PX', 3600000)
            end
            at = at + 6
        elseif op == 'status_sent' then -- by a provider that names the attempt: id attempt at_ms detail -> as above
            result = status(a, 'sent', c, d, b)
            at = at + 5
        elseif op == 'sent' then -- what the lease is for, a message: "at_ms,detail" provider_hash
            handed_over(leased_queue, leased_lane, leased, a, b)
            at = at + 3
        elseif op == 'messages' then -- shared: order broadcast first matter line queue not_before_ms whom rate head n,
            -- then n times: id lane user body -> a token or 0 each
            at = new_messages(at, ok)
        elseif op == 'item' then -- an inbound one: id lane body whom -> token or 0
            call('HSET', P .. 'i:' .. a, 'b', c)
            result = join('in', b, a, '0', d ~= '' and d or nil, 0, 0, 0, 0) or 0
            at = at + 5
        elseif op == 'done' then -- what the lease is for has come to its good end
            finish(leased_queue, leased_lane, leased)
            note_ended(leased_queue, leased)
            if leased_queue == 'in' then gone[#gone + 1] = P .. 'i:' .. leased end
            at = at + 1
        elseif op == 'finish' then -- the head: queue lane id
            finish(a, b, c)
            at = at + 4
        elseif op == 'message_state' then -- id state at_ms detail -> moved | kept | none
            local own = a == leased
            result = move(a, b, c .. ',' .. d, nil, own and leased_queue, own and leased_lane)
            at = at + 5
        elseif op == 'unsend' then -- the attempt that the claim counted did not happen: id
            local key = P .. 'm:' .. a
            local lines = message(a, 'tl')[1]
            call('HINCRBY', key, 'n', -1)
            if lines then
                local less, cut = string.gsub(lines, 'sending,%d+,attempt [^\n]*\n$', '')
                if cut > 0 then call('HSET', key, 'tl', less) end
            end
            rewritten(a, leased_queue, leased_lane)
            at = at + 2
        elseif op == 'note' then -- a line of the timeline that moves nothing: id at_ms detail
            note(a, b, c)
            at = at + 4
        elseif op == 'provider_id' then -- learn the provider's id of a message: hash id
            learn(a, b)
            at = at + 3
        elseif op == 'enqueue' then -- queue lane id not_before_ms -> 0
            result = enqueue(a, b, c, d)
            at = at + 5
        elseif op == 'grant' then -- and to whom, interval_us burst pair_interval_ms pair_burst -> token or 0
            result = enqueue(a, b, c, d, at + 5)
            at = at + 10
        elseif op == 'event' then -- for the CMMS: lane body callback -> sequence
            result = call('INCR', P .. 'seq')
            if c == '1' then
                call('XADD', P .. 'ev', result .. '-0', 'b', b, 'c', '1')
                if call('RPUSH', end_of('cb', a), result) == 1 then
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
            local m = string.sub(a, 1, 4) == 'out:' and message(leased, 's', 'hb') or {}
            if m[1] and rank(m[1]) >= DECIDED then
                finish(a, b, leased)
            else
                if m[2] and m[1] ~= 'uncertain' then let_by(a, b, leased, m[2]) end
                release(a, b, int(now_ms + c), call('EXISTS', list_of(a, b)) == 1)
            end
            at = at + 4
        elseif op == 'ended' then -- for the books: queue ("in" or "cb") id
            note_ended(a, b)
            at = at + 3
        elseif op == 'extend' then -- keep the lease longer: queue lane lease_ms
            local held, letter = string.match(plain_lease(a, b), '^(.*%.)%d+([hH])$')
            if held then
                set_lease(a, b, held .. int(now_ms + c) .. letter)
            else
                call('ZADD', P .. 'f:' .. a, 'XX', now_ms + c, b)
            end
            at = at + 4
        elseif op == 'withdraw' then
            -- take an item out, unless a worker has it; a message is cancelled with it:
            -- queue lane id -> 1 taken
            local out = string.sub(a, 1, 4) == 'out:'
            result = 0
            if not in_hand(a, b, c) then
                local list = list_of(a, b)
                local head = call('LINDEX', list, '0') == c
                result = call('LREM', list, '1', c)
                if result == 0 then result = call('ZREM', P .. 's:' .. a, b .. '\n' .. c) end
                if result == 0 and out then result = held_ops().unhold(a, b, c) end
                -- What the lane waited for, it waited for with this item.
                if head and make_ready(a, b, now_ms) then touched[a] = true end
                if result == 1 and out then move(c, 'cancelled', stamp .. ',') end
            end
            if result == 0 and out and message(c, 's')[1] == 'cancelled' then
                result = 1 -- asked again
            end
            at = at + 4
        elseif op == 'hset' then -- key field value
            writes_to(a)
            call('HSET', P .. a, b, c)
            at = at + 4
        elseif op == 'hdel' then -- key field
            writes_to(a)
            call('HDEL', P .. a, b)
            at = at + 3
        elseif op == 'line_add' then -- the newest first, each once: key field line most
            lines(P .. a, b, c, tonumber(d))
            at = at + 5
        elseif op == 'line_drop' then -- key field line
            lines(P .. a, b, c, 0)
            at = at + 4
        elseif op == 'hincr' then -- key field by -> new value
            writes_to(a)
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
        elseif op == 'chain' then -- the same, each covering the one before: key digest..body most
            local n, link = string.match(call('LINDEX', P .. a, '-1') or '', '^(%d+)|(%x+)|')
            n = int((n or 0) + 1)
            link = redis.sha1hex((link or '') .. '|' .. n .. '|' .. string.sub(b, 1, 64))
            if call('RPUSH', P .. a, n .. '|' .. link .. '|' .. string.sub(b, 65)) > tonumber(c) then
                call('LTRIM', P .. a, -c, -1)
            end
            at = at + 4
        elseif op == 'log' then -- to a stream (audit): key body
            call('XADD', P .. a, '*', 'b', b)
            at = at + 3
        elseif op == 'sender' then -- id slow|rest|pause|resume number token why advice -> 1 news
            result = senders_ops().told(a, b, c, d, e, A[at + 6])
            at = at + 7
        elseif op == 'tier' then -- sender portfolio people
            senders_ops().tier(a, b, c)
            at = at + 4
        elseif op == 'tier_told' then -- portfolio people at_ms -> 1 news
            result = senders_ops().tier_told(a, b, c)
            at = at + 4
        elseif op == 'put_for' then -- plain value that ends by itself: key value ms
            call('SET', P .. a, b, 'PX', c)
            at = at + 4
        elseif op == 'fields' then -- of a plain hash: key n field value...
            many('HSET', P .. a, {unpack(A, at + 3, at + 2 + 2 * b)})
            at = at + 3 + 2 * b
        elseif op == 'persist' then -- what was kept for some time stays: key
            call('PERSIST', P .. a)
            at = at + 2
        elseif op == 'broadcast_answer' then -- id person answer at_ms -> first | again | none
            result = broadcast_ops().answer(a, b, c, d)
            at = at + 5
        elseif op == 'broadcast_recast' then -- id old new
            broadcast_ops().recast(a, b, c)
            at = at + 4
        elseif op == 'broadcast_copy' then -- old new
            broadcast_ops().copy(a, b)
            at = at + 3
        elseif op == 'given_up' then -- id
            broadcast_ops().given_up(a)
            at = at + 2
        elseif op == 'broadcast_cancel' then -- id n queue... -> 1 it is
            result = broadcast_ops().cancel(a, at + 3, at + 2 + b)
            at = at + 3 + b
        elseif op == 'delete' then -- key
            if string.sub(a, 1, 2) == 'm:' then
                rewritten(string.sub(a, 3))
                local m = message(string.sub(a, 3), 'br', 's', 'bf')
                if m[1] and rank(m[2]) < DECIDED then tally(m[1], string.sub(a, 3), m[3] or '', m[2], 'cancelled') end
            end
            -- Nobody writes to an item again; another key may be made anew by the next unit.
            local kind = string.sub(a, 1, 2)
            if kind == 'i:' then gone[#gone + 1] = P .. a else call('UNLINK', P .. a) end
            if kind == 'm:' then call('ZREM', P .. 'dl', 'out:' .. string.sub(a, 3)) end
            at = at + 2
        elseif op == 'hold' then -- queue lane id over_ms window_ms detail -> 1 | 0
            result = held_ops().hold(a, b, c, d, e, A[at + 6])
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
        elseif op == 'unheard' then -- sender person
            held_ops().unheard(a, b)
            at = at + 3
        elseif op == 'unhold' then -- one waits no more: queue lane id
            held_ops().unhold(a, b, c)
            at = at + 4
        elseif op == 'again' then -- refused after all: id at_ms detail -> 1 it goes again, 0 it failed
            result = held_ops().again(a, b, c)
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
    results[units] = refused or ok[2] and ok or 'ok' -- a list in the answer costs as much as a small write
end
