#!lua flags=allow-oom
-- claim: lease up to `want` lanes of a queue to one owner: first those whose lease ran out (given
-- again with a new token and marked, for the worker to judge), then ready ones by priority.
-- ARGV owner serial queue want lease_ms record interval_us burst pair_interval_ms pair_burst reserve
--   lost [after_ms, then for each alternate its id interval_us burst pair_interval_ms pair_burst reserve]
--   serial: number of the claim, the same when it is asked again because its reply was lost: what it
--           leased is then given again as it was, not counted as an attempt that failed
--   record: "m" outbound message (its attempt is counted here, before the first byte goes out),
--           "i" inbound item, "e" event of the stream
--   interval_us 0: no rate; reserve: so much of the burst is for replies and the critical alone
--   lost: "first-last " of serials of the owner's commits whose answer came too late (gather.lua), or "0": what
--         they granted nobody knows of, and it is given as it was
--   after_ms: when the sender of the queue is paused for so long, its lanes go by the first alternate that
--           is not, at that one's pace; none are given that stay with their sender (field st). 0: never
-- Returns {wait_ms, row...}; wait_ms -1: nothing is waiting, 0: there may be more.
--   row = {lane, id, token, reaped, body, state, sends, window_ms, via, more, counts, void}; via "": by its
--         own sender; more: others are behind it; counts: the ledger of people has him for this one; void: so
--         many attempts were refused for certain after all, and are not in sends
local owner, serial, queue, want = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local lease_ms, record = tonumber(ARGV[5]), ARGV[6]
local interval, burst = tonumber(ARGV[7]), tonumber(ARGV[8])
local pair_interval, pair_burst, reserve = ARGV[9] * 1000, tonumber(ARGV[10]), tonumber(ARGV[11])
local now = now_us()
local now_ms = math.floor(now / 1000)
local list, leases, ends = P .. 'l:' .. queue .. ':', P .. 'k:' .. queue, P .. 'f:' .. queue
local last = P .. 'cl:' .. queue .. ':' .. owner
local holder = owner .. '.' .. serial
local lost = ARGV[12]
local lanes, ids, tokens, reaped, more, n = {}, {}, {}, {}, {}, 0
local given = {} -- lanes whose lease was ours before: not an attempt more
local hand = {} -- lanes whose item was held by hand, and is their head from now on
local wake = math.huge

local function pick(lane, id, token, again, behind)
    n = n + 1
    more[n] = behind and 1 or 0
    lanes[n], ids[n], tokens[n], reaped[n] = lane, id, token, again
end

-- Asked again: not one new row, so that nothing is leased to a worker that expects something else.
local repeated = call('GET', last) == serial
if repeated then
    local held = call('HGETALL', leases)
    for i = 1, #held, 2 do
        local token, id, who = string.match(held[i + 1], '^(%d+)|(.*)|([^|]*)$')
        if who == holder then pick(held[i], id, tonumber(token), 0) end
        if who == holder .. 'r' then pick(held[i], id, tonumber(token), 1) end
    end
    repeated = n > 0
end

-- Nobody ever had these, whether or not the lease has run out since.
if lost ~= '0' and not repeated then
    local held, grants = call('HGETALL', leases), owner .. '.g'
    for i = 1, #held, 2 do
        local token, id, who, number = string.match(plain(held[i + 1]), '^(%d+)|(.*)|([^|]*%.g)(%d+)[.%d]*[hH]?$')
        number = who == grants and tonumber(number)
        for first, last in string.gmatch(number and lost or '', '(%d+)-(%d+)') do
            if n < want and number >= tonumber(first) and number <= tonumber(last) then
                pick(held[i], id, tonumber(token), 0)
                given[held[i]] = true
                hand[held[i]] = by_hand(held[i + 1])
                break
            end
        end
    end
end

-- What is held by hand says itself until when; among the ends there is one place for all of it, "*", at the
-- earliest of them or before.
local function look_at_hands()
    local held, soonest = call('HGETALL', leases), nil
    for i = 1, #held, 2 do
        local id, till = by_hand(held[i + 1])
        till = tonumber(till)
        if id and till <= now_ms and n < want and not given[held[i]] then
            pick(held[i], id, nil, 1)
            hand[held[i]] = id
        elseif id and not given[held[i]] and till < (soonest or math.huge) then
            soonest = till
        end
    end
    if soonest then call('ZADD', ends, int(soonest), '*') else call('ZREM', ends, '*') end
end

-- Expired leases are not new work: they take no rate token and are never refused.
local lapse, lapsed = call('ZRANGE', ends, '0', '0', 'WITHSCORES')[2], false
if lapse and tonumber(lapse) <= now_ms and not repeated then
    lapsed = true
    for _, lane in ipairs(call('ZRANGEBYSCORE', ends, '-inf', now_ms, 'LIMIT', 0, want)) do
        local held = lane ~= '*' and call('HGET', leases, lane)
        local id = held and not by_hand(held) and call('LINDEX', list .. lane, '0')
        if lane == '*' then
            look_at_hands()
        elseif id then
            if n < want and not given[lane] then pick(lane, id, nil, 1) end
        else -- an end that is nobody's
            if held and not by_hand(held) then call('HDEL', leases, lane) end
            call('ZREM', ends, lane)
        end
    end
end

-- What was accepted for later joins its lane when its time has come.
local later = call('ZRANGE', P .. 's:' .. queue, '0', '0', 'WITHSCORES')[2]
if later and tonumber(later) <= now_ms and not repeated then
    local due = call('ZRANGEBYSCORE', P .. 's:' .. queue, '-inf', now_ms, 'LIMIT', 0, 64)
    local ready, stamp = {}, int(now_ms)
    for _, item in ipairs(due) do
        local lane, id = string.match(item, '^(.*)\n(.*)$')
        local first = call('RPUSH', list .. lane, id) == 1
        local held = first and call('HGET', leases, lane)
        if held then
            call('HSET', leases, lane, (string.gsub(held, 'h$', 'H')))
        elseif first then
            local key = ready_key(queue, lane)
            local to = ready[key] or {}
            ready[key] = to
            to[#to + 1], to[#to + 2] = stamp, lane
        end
    end
    for key, to in pairs(ready) do call('ZADD', key, unpack(to)) end
    call('ZREM', P .. 's:' .. queue, unpack(due))
    later = call('ZRANGE', P .. 's:' .. queue, '0', '0', 'WITHSCORES')[2]
end
if later then wake = tonumber(later) end

local top, tat, stands, own, via, by = want, now, 0, string.sub(queue, 5), '', queue
local sender = P .. 'sn:' .. own

-- The own one is paused: its state of the first alternate that is not, from then on in its place.
local function instead_of(s)
    local since = s[1] + ARGV[13]
    if since > now_ms then
        wake = math.min(wake, since)
        return s
    end
    for at = 14, #ARGV, 6 do
        local key = P .. 'sn:' .. ARGV[at]
        local other = call('HMGET', key, 'paused', 'rest', 'pct', 'since', 'tat', 'people', 'pf')
        if not other[1] then
            if s[8] ~= ARGV[at] then call('HSET', sender, 'via', ARGV[at], 'via_at', int(now_ms)) end
            via, by, sender = ARGV[at], 'out:' .. ARGV[at], key
            interval, burst, reserve = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), tonumber(ARGV[at + 5])
            pair_interval, pair_burst = ARGV[at + 3] * 1000, tonumber(ARGV[at + 4])
            return other
        end
    end
    if s[8] then call('HDEL', sender, 'via', 'via_at') end
    wake = math.min(wake, now_ms + 5000) -- nobody tells this queue when another sender goes on
    return s
end

local tier, portfolio = 0, own
if record == 'm' then
    local s = call('HMGET', sender, 'paused', 'rest', 'pct', 'since', 'tat', 'people', 'pf', 'via')
    if s[1] and #ARGV > 13 and ARGV[13] ~= '0' then s = instead_of(s) end
    stands, interval, burst = pace(s, now_ms, interval, burst)
    reserve = math.min(reserve, math.floor(burst - 1))
    tat = tonumber(s[5] or 0)
    tier, portfolio = tonumber(s[6] or 0), s[7] or (via ~= '' and via or own)
end
-- Claimed here in all; of these, of the priorities below replies.
local bulk_top = top
if stands > 0 then
    top, bulk_top, wake = n, n, math.min(wake, stands)
elseif interval > 0 then
    local room
    room, tat = rate_room(tat, now, interval, burst)
    top = math.min(want, n + math.max(room, 0))
    bulk_top = math.min(want, n + math.max(room - reserve, 0))
end
if repeated then top, bulk_top = n, n end
local before = n

-- The tier: so many people in 24 h may be written to who have not written themselves for a day. dp:<portfolio>
-- has whom, and since when. Until when he waits (ms), nil: he does not. He is looked at again each minute, and
-- at once when he writes (dw); who is refused after all (nothing went out) is taken off by whoever records that.
-- It is WhatsApp's: what goes as an SMS has none.
local DAY, LOOK = 86400000, 60000
local ledger, met, oldest, counts = nil, 0, nil, {}
local function reach(person, lane)
    local who = via ~= '' and via or own
    local word = call('HGET', P .. 'w:' .. who, person)
    if word and now_ms - word < DAY then return nil end
    if not ledger then
        ledger = P .. 'dp:' .. portfolio
        call('ZREMRANGEBYSCORE', ledger, '-inf', int(now_ms - DAY))
        met = call('ZCARD', ledger)
        oldest = tonumber(call('ZRANGE', ledger, '0', '0', 'WITHSCORES')[2] or now_ms)
    end
    if call('ZSCORE', ledger, person) then return nil end
    if met >= tier then
        local key = P .. 'dw:' .. person .. ':' .. who
        call('SADD', key, queue .. '\n' .. lane)
        call('PEXPIRE', key, 2 * LOOK)
        return math.min(oldest + DAY, now_ms + LOOK)
    end
    call('ZADD', ledger, int(now_ms), person)
    met = met + 1
    counts[n + 1] = true -- the row it will have
    return nil
end

-- Lanes of one priority that are due, and when the next is.
local moves = 0 -- of lanes that must wait; a claim does not go on for ever
local function take(prio)
    local key, top = P .. 'r:' .. queue .. ':' .. prio, prio > 1 and bulk_top or top
    -- Lanes put off by the pair rate are moved on, so asking again for as many cannot go on for ever.
    while n < top and moves < 256 do
        local found = call('ZRANGE', key, '0', top - n, 'WITHSCORES')
        local gone, tats = {}, {}
        if pair_interval > 0 and #found > 0 then
            local people = {}
            for i = 1, #found, 2 do people[#people + 1] = string.sub(found[i], 2) end
            tats = call('HMGET', P .. 'pr:' .. by, unpack(people))
        end
        local moved, pairs_taken, ended = false, {}, #found < 2 * (top - n + 1)
        for i = 1, #found, 2 do
            local lane, at = found[i], tonumber(found[i + 1])
            if at > now_ms then
                wake = math.min(wake, at)
                ended = true
                break
            end
            if n == top then break end
            local two = call('LRANGE', list .. lane, '0', '1')
            local id = two[1]
            local wait, pair_tat = 0, 0
            if id and pair_interval > 0 then
                wait, pair_tat = pair_wait(tonumber(tats[(i + 1) / 2] or 0), now, pair_interval, pair_burst)
            end
            if id and via ~= '' and call('HEXISTS', P .. 'm:' .. id, 'st') == 1 then
                wait = now + 10000000
            end
            if id and wait == 0 and tier > 0 and string.sub(lane, -4) ~= ':sms' then
                wait = (reach(string.sub(lane, 2), lane) or 0) * 1000
            end
            if wait > 0 then
                call('ZADD', key, int(math.ceil(wait / 1000)), lane)
                moved = true
                moves = moves + 1
            else
                gone[#gone + 1] = lane
                if id then
                    pick(lane, id, nil, 0, two[2])
                    pairs_taken[#pairs_taken + 1] = string.sub(lane, 2)
                    pairs_taken[#pairs_taken + 1] = int(pair_tat + pair_interval)
                end
            end
        end
        if #gone > 0 then call('ZREM', key, unpack(gone)) end
        if pair_interval > 0 and #pairs_taken > 0 then
            call('HSET', P .. 'pr:' .. by, unpack(pairs_taken))
        end
        if ended and not moved then break end
    end
end

-- Critical first, always. The others by turns of 16, so that bulk gets on while replies keep coming:
-- nine begin with replies, four with high, two with normal, one with low. The turn follows what was leased so
-- far, in steps of the golden ratio: whatever the rhythm of the claims, none of the turns is left out.
take(0)
if n < top then
    local turn = math.floor(16 * ((call('GET', P .. 'fence') or 0) % 1000000 * 0.6180339887 % 1))
    local first = turn < 9 and 1 or turn < 13 and 2 or turn < 15 and 3 or 4
    take(first)
    for prio = 1, 4 do
        if prio ~= first and n < top then take(prio) end
    end
end
if moves >= 256 then wake = now_ms end
if interval > 0 and stands == 0 then
    tat = tat + (n - before) * interval
    if n > before then call('HSET', sender, 'tat', int(tat)) end
    -- Bulk waits for some 8 ms of tokens, so that a fast sender is not claimed for at each of them.
    if n == top then wake = math.min(wake, (tat - (burst - 1) * interval) / 1000) end
    if n >= bulk_top then
        local some = math.max(1, math.min(math.floor((burst - reserve) / 2), math.floor(8000 / interval)))
        wake = math.min(wake, (tat - (burst - reserve - some) * interval) / 1000)
    end
end

-- The leases: fencing tokens that only grow, and the ends.
if n > 0 then
    local token = call('INCRBY', P .. 'fence', n) - n
    local held, till, till_ms = {}, {}, int(now_ms + lease_ms)
    for i = 1, n do
        if not tokens[i] then tokens[i] = token + i end
        held[2 * i - 1] = lanes[i]
        held[2 * i] = tokens[i] .. '|' .. ids[i] .. '|' .. holder .. (reaped[i] == 1 and 'r' or '')
        till[2 * i - 1] = till_ms
        till[2 * i] = lanes[i]
    end
    for lane, id in pairs(hand) do
        if record == 'm' then unfold(id) end -- while the lease still tells of it
        call('LPUSH', list .. lane, id)
    end
    call('HSET', leases, unpack(held))
    call('ZADD', ends, unpack(till))
    call('SET', last, serial, 'PX', 2 * lease_ms)
    if not lapse then lapse = till_ms end
end
if lapsed then lapse = call('ZRANGE', ends, '0', '0', 'WITHSCORES')[2] end -- others may end a moment later
if lapse then wake = math.min(wake, tonumber(lapse)) end

local windows = {}
if record == 'm' and n > 0 then
    local people = {}
    for i = 1, n do people[i] = string.sub(lanes[i], 2) end
    windows = call('HMGET', P .. 'w:' .. (via ~= '' and via or own), unpack(people))
end

-- Columns body, state, sends, via, void of row i.
local begun = 'sending,' .. int(now_ms) .. ',attempt '
local because = via ~= '' and ' by ' .. via .. ', because ' .. own .. ' is paused\n' or '\n'
local stopped = {} -- broadcasts: cancelled?
local function record_of(i)
    local id, again = ids[i], repeated or given[lanes[i]]
    if record == 'm' then
        local key = P .. 'm:' .. id
        local m = call('HMGET', key, 'b', 's', 'n', 'tl', 'br', 'bf', 'fb', 'ag')
        local void = tonumber(m[8] or 0)
        local state, sends = m[2] or 'queued', (m[3] or 0) - void
        local open = state == 'queued' or state == 'sending' or state == 'uncertain'
        local broadcast = open and reaped[i] == 0 and m[5]
        if broadcast then
            if stopped[broadcast] == nil then
                stopped[broadcast] = call('HGET', P .. 'b:' .. broadcast, 'st') == 'cancelled'
            end
            -- What was leased before it was cancelled is in flight, also when the claim is asked again.
            local flags = m[6] or ''
            if stopped[broadcast] and (not again or string.find(flags, 'w', 1, true)) then
                if not again then call('HSET', key, 'bf', flags .. 'w') end
                return m[1], state == 'uncertain' and 'stopped' or 'withdrawn', sends, '', void
            end
        end
        -- Nobody knows whether it arrived, and another way says it already.
        if m[7] and state == 'uncertain' and reaped[i] == 0 then return m[1], 'stopped', sends, '', void end
        if m[1] and open and reaped[i] == 0 and not again then
            sends = sends + 1
            if state == 'queued' then state = 'sending' end
            local count = sends + void == 1 and '1' or int(sends + void)
            call('HSET', key, 's', state, 'n', count, 'tl', (m[4] or '') .. begun .. count ..
                (sends > 1 and ' possible_duplicate' or '') .. because)
            return m[1], state, sends, via, void
        end
        -- Given before; should it not have begun, it must not now: older ones were released behind it.
        if state == 'sending' and call('HEXISTS', key, 'hb') == 1 then state = 'behind' end
        -- Begun before: by whom, its last attempt says.
        local line = string.match(m[4] or '', '.*sending,%d+,attempt ([^\n]*)')
        return m[1], state, sends, line and string.match(line, ' by ([^,]+),') or '', void
    end
    local body, tries
    if record == 'e' then
        local e = call('XRANGE', P .. 'ev', id .. '-0', id .. '-0')[1]
        body, tries = e and e[2][2] or false, P .. 'cb:' .. id
    else
        body, tries = call('HGET', P .. 'i:' .. id, 'b'), P .. 'i:' .. id
    end
    -- A try that ended with its worker counts too, or an item that kills workers would live for ever.
    if body and reaped[i] == 1 and not again then return body, false, call('HINCRBY', tries, 'n', 1) end
    return body, false, call('HGET', tries, 'n')
end

local out = {-1}
for i = 1, n do
    local body, state, sends, through, void = record_of(i)
    out[i + 1] = {lanes[i], ids[i], tokens[i], reaped[i], body, state, sends, windows[i] or false, through,
        more[i], counts[i] and 1 or 0, void or 0}
end
if n >= want or repeated then
    out[1] = 0
elseif wake < math.huge then
    out[1] = math.max(0, math.ceil(wake - now / 1000))
end
return out
