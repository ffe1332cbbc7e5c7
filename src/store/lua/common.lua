-- common: what every script begins with. KEYS[1] is the tenant's prefix, "{acme}:": one slot.
-- Keys below it are named in include/store/keys.h, the one list of them.
-- Scripts are compiled once but run from their first line every time: each function or table written
-- here costs 0.1 us a call, each redis.call 1 to 3, and a number among its arguments 0.3 more, since it
-- is printed as a float: what is constant is written as text.
local P = KEYS[1]
local call = redis.call

local function int(n) return string.format('%.0f', n) end

-- Time never runs backwards here: the larger of TIME and a stored high water, in microseconds.
-- Without it a clock stepped back would revive leases and spend rate tokens twice. Until the real
-- clock has caught up, ours goes at half its speed: later than promised, but it does not stand still
-- for an hour because somebody set the clock an hour ahead for a second.
-- hw: "<us>", or "<us>:<TIME at that moment>" while it is slowed.
local function now_us()
    local t = call('TIME')
    local us = t[1] * 1000000 + t[2]
    local hw = call('GET', P .. 'hw') or '0'
    local high = tonumber(hw)
    if high and us >= high then
        if us > high + 200000 then call('SET', P .. 'hw', int(us)) end
        return us
    end
    local since = us
    if not high then
        local a, b = string.match(hw, '^(%d+):(%d+)$')
        high, since = tonumber(a), tonumber(b)
        if us >= high then
            call('SET', P .. 'hw', int(us))
            return us
        end
    end
    local now = high
    if us > since then now = high + math.floor((us - since) / 2) end
    if us <= since or now > high + 200000 then
        call('SET', P .. 'hw', int(now) .. ':' .. int(us))
    end
    return now
end

-- A lane is named by its priority (one digit, 0 critical .. 4 low) and its key: "1u:3f09". All about
-- a lane follows from its name, so nothing needs to be looked up to release one.
local function ready_key(queue, lane) return P .. 'r:' .. queue .. ':' .. string.sub(lane, 1, 1) end

-- What a commit has granted to its own gateway is held by hand: it stands in no list, before all that does. Its
-- lease ends with the time of its end and "h", or "H": its lane has a list, of those behind it (store/keys.h).
-- Returns the item of such a lease, that time and that letter, or nil.
local function by_hand(held)
    if held then return string.match(held, '^%d+|(.*)|[^|]*%.(%d+)([hH])$') end
end

-- Such a lease says of a message how its record was written, as long as nobody has written to it since: its
-- broadcast ("": none) and the lines of its timeline stand before the owner.
local function as_written(rest) -- what stands behind "token|id|": broadcast, lines; or nil
    return string.match(rest, '^([^\n]*)\n(.*\n)[^\n]*[hH]$')
end
local function plain(held) return (string.gsub(held, '|[^|]*\n', '|')) end

-- A lane that nobody holds: among the ready ones while it has items. Returns whether it has.
local function make_ready(queue, lane, not_before_ms)
    if call('EXISTS', P .. 'l:' .. queue .. ':' .. lane) == 1 then
        call('ZADD', ready_key(queue, lane), int(not_before_ms), lane)
        return true
    end
    call('ZREM', ready_key(queue, lane), lane)
    return false
end

-- GCRA: how many may go now at one per `interval` with `burst` at once, and the arrival time to add
-- to. The caller writes that back with what it really took.
local function rate_room(tat, now, interval, burst)
    if tat < now then tat = now end
    return math.floor((burst * interval - (tat - now)) / interval), tat
end

-- The same for one person and one sender: the time from which the next may go (0: now).
local function pair_wait(tat, now, interval, burst)
    if tat < now then tat = now end
    local free = tat - (burst - 1) * interval
    return free > now and free or 0, tat
end

-- Whose a message is: u says it where the lane does not.
local function person_of(user, lane) return user or lane and string.sub(lane, 2) end

-- Messages of a broadcast stand folded, several in the fields of one key, from the commit that makes and grants them
-- for as long as nothing but the usual becomes of them: handed over once, delivered, read. A key each, with a field for
-- each thing, is what sending them would cost most. mf:<cell> holds of each, under the rest of its id, what it is, and
-- under that with "." behind, from its end on, "<broadcast>\n<timeline>"; before, its lease has these lines. Whoever
-- wants anything else of it makes it a record like any other first: unfold().
local CELL = 15
local function cell_of(id) return P .. 'mf:' .. string.sub(id, 1, CELL), string.sub(id, CELL + 1) end

-- What is to be written of several, gathered in cells: cell -> fields; each cell is one HSET.
local function into_cell(cells, id, mark, value)
    local cell = string.sub(id, 1, CELL)
    local fields = cells[cell]
    if not fields then
        fields = {}
        cells[cell] = fields
    end
    local n = #fields
    fields[n + 1], fields[n + 2] = string.sub(id, CELL + 1) .. mark, value
end
local function write_cells(cells)
    for cell, fields in pairs(cells) do call('HSET', P .. 'mf:' .. cell, unpack(fields)) end
end

-- The fields that its record would have, or nil. lease_of: for whoever has changed leases and not written them.
local function folded(id, lease_of)
    local cell, rest = cell_of(id)
    local is = call('HMGET', cell, rest, rest .. '.')
    if rest == '' or not is[1] then return nil end
    local m = {s = 'sending', n = '1'}
    local _, first
    m.q, m.br, m.mt, first, m.l, m.b = string.match(is[1], '^(.-)\n(.-)\n(.-)\n(.-\n)\n(.-)\n(.*)$')
    if is[2] then
        m.tl = string.match(is[2], '\n(.*)$')
        m.s = string.match(m.tl, '([^\n,]*),[^\n]*\n$')
    else
        local held = lease_of and lease_of(m.q, m.l) or not lease_of and call('HGET', P .. 'k:' .. m.q, m.l)
        _, m.tl = as_written(string.match(held or '', '|' .. id .. '|(.*)$') or '')
        m.tl = m.tl or first
    end
    if m.mt == '' then m.mt = nil end
    return m
end

local function unfold(id, lease_of)
    local m = folded(id, lease_of)
    if m then
        local cell, rest = cell_of(id)
        call('HSET', P .. 'm:' .. id, 's', m.s, 'tl', m.tl, 'n', m.n, 'l', m.l, 'b', m.b, 'q', m.q, 'br', m.br)
        if m.mt then call('HSET', P .. 'm:' .. id, 'mt', m.mt) end
        call('HDEL', cell, rest, rest .. '.')
    end
    return m
end

-- Fields of a message, as HMGET gives them, folded or not. For those who only read.
local function fields_of(id, ...)
    local m = call('HMGET', P .. 'm:' .. id, ...)
    for i = 1, #m do
        if m[i] then return m end
    end
    local of = folded(id)
    for i = 1, of and #m or 0 do m[i] = of[select(i, ...)] or false end
    return m
end

-- Is there such a message?
local function is_there(id)
    return call('EXISTS', P .. 'm:' .. id) == 1 or call('HEXISTS', cell_of(id)) == 1
end

-- Ours behind a provider's message id (hashed), in one of the four hashes that are kept, or nil.
local names -- the newest of them
local function message_of(hash)
    names = names or tonumber(string.match(call('GET', P .. 'pn') or '0', '^%d+'))
    for turn = names, math.max(names - 3, 1), -1 do
        local id = call('HGET', P .. 'p:' .. turn, hash)
        if id then return id end
    end
end

-- What a sender may do now, by HMGET sn:<sender> paused rest pct since: until when it waits (ms; 0: it
-- does not), and the interval and burst in force. pct of the configured rate were allowed at `since`,
-- 5 % more each second after; a sender without a rate that must go slowly comes down from 80 a second.
-- The burst shrinks with the pace: it is a time, and a slow token takes more of it. Otherwise each
-- slowing down would be an allowance.
local function pace(s, now_ms, interval, burst)
    if s[1] then return math.huge, interval, burst end
    local rest = tonumber(s[2] or 0)
    local pct = s[3] and s[3] + (now_ms - s[4]) / 200 or 100
    if pct < 100 then
        if interval == 0 then interval, burst = 12500, 4 end
        local slow = math.ceil(interval * 100 / pct)
        interval, burst = slow, math.max(1, burst * interval / slow)
    end
    return rest > now_ms and rest or 0, interval, burst
end
