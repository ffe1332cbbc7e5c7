-- commit: the one script that changes what a tenant owns. Several units of work in one call, each
-- all or nothing: its checks all pass before its first write (a script has no rollback), and one that
-- fails leaves the others alone. Written by store/commit.c.
-- ARGV owner lease_ms serial, then for each unit: number of ARGV entries of its checks, of its writes,
-- the checks, the writes. Operations are words with a fixed number of arguments. Most units of the one check
-- `leased` and the one write `sent` do not come here: ends.lua.
--   serial: "" or, where a unit asks for a grant, a number that is the same when the call is asked again
-- Returns for each unit {"ok", result of each write that has one...}, "ok" where none has
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
local held_before = {} -- the same, as it was before this call or last written, of the lanes that were looked at
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

-- A field of lines, the newest first, each once: with `line` in front, or (most 0) without it.
local function lines(key, field, line, most)
    local have, out = call('HGET', key, field) or '', {}
    if most > 0 then out[1] = line end
    for one in string.gmatch(have, '[^\n]+') do
        if one ~= line and (most == 0 or #out < most) then out[#out + 1] = one end
    end
    if #out > 0 then
        call('HSET', key, field, table.concat(out, '\n'))
    elseif have ~= '' then
        call('HDEL', key, field)
    end
end

local function lease_of(queue, lane)
    local held = leases[queue] and leases[queue][lane]
    if held ~= nil then return held end
    local before = held_before[queue]
    if not before then
        before = {}
        held_before[queue] = before
    end
    if before[lane] == nil then before[lane] = call('HGET', P .. 'k:' .. queue, lane) end
    return before[lane]
end

local function in_hand(queue, lane, id)
    local held = lease_of(queue, lane)
    return held and string.find(held, '|' .. id .. '|', 1, true) and held
end

local function set_lease(queue, lane, held)
    local of = leases[queue]
    if not of then
        of = {}
        leases[queue] = of
    end
    of[lane] = held
end

-- The record of a message that was folded stands by itself from now on; its fields, or nil.
local function stand(id)
    local m = unfold(id, lease_of)
    local held = m and in_hand(m.q, m.l, id)
    if held then set_lease(m.q, m.l, plain(held)) end
    return m
end

-- Fields of a message that is about to be changed, or may be.
local real = {} -- ids of those that are known to stand by themselves
local function message(id, ...)
    local m = call('HMGET', P .. 'm:' .. id, ...)
    if real[id] then return m end
    for i = 1, #m do
        if m[i] then
            real[id] = true
            return m
        end
    end
    local of = stand(id)
    for i = 1, of and #m or 0 do m[i] = of[select(i, ...)] or false end
    real[id] = of and true
    return m
end

-- Somebody is about to write to a key; should it be a message, its record stands by itself.
local function writes_to(key)
    local id = string.match(key, '^m:(.*)$')
    if id and not real[id] then message(id, 's') end
end

-- What the lease of a lane says, which says no more how a record was written.
local function plain_lease(queue, lane)
    local held = lease_of(queue, lane)
    if held and string.find(held, '\n', 1, true) then
        stand(by_hand(held))
        held = plain(held)
        set_lease(queue, lane, held)
    end
    return held
end

-- The list of a lane for whoever puts something behind all others.
local function end_of(queue, lane)
    local list = P .. 'l:' .. queue .. ':' .. lane
    if emptied[list] then
        call('UNLINK', list)
        emptied[list] = nil
    end
    return list
end

-- The list for whoever does more than that: what is held by hand becomes its head, leased like any other.
local function list_of(queue, lane)
    local list, held = end_of(queue, lane), plain_lease(queue, lane)
    local id = by_hand(held)
    if id then
        call('LPUSH', list, id)
        set_lease(queue, lane, (string.gsub(held, '%.%d+[hH]$', '')))
    end
    return list
end

-- Somebody writes to the record of a message: should it be held by hand, it is not as its commit wrote it any more.
-- queue and lane, where they are known: its own.
local function rewritten(id, queue, lane)
    if not lane then
        local at = message(id, 'q', 'l')
        queue, lane = at[1], at[2]
    end
    if lane and in_hand(queue, lane, id) then plain_lease(queue, lane) end
end

local function is_hand(held)
    local last = held and string.byte(held, -1)
    return last == 104 or last == 72 -- "h", "H"
end

-- What became of the leases: at the end, or when somebody must see them all. What is held by hand has no end of
-- its own, so one that a claim's lease of the same lane has left goes with that lease.
local function write_leases()
    local till = int(now_ms + lease_ms)
    for queue, of in pairs(leases) do
        local held, ends, over, ended, hand = {}, {}, {}, {}, false
        local was = held_before[queue] or {}
        for lane, value in pairs(of) do
            local had, handed = was[lane], is_hand(value)
            if value then
                held[#held + 1], held[#held + 2] = lane, value
            else
                over[#over + 1] = lane
            end
            if handed then
                hand = true
            elseif value then
                ends[#ends + 1], ends[#ends + 2] = till, lane
            end
            if had and not is_hand(had) and (handed or not value) then ended[#ended + 1] = lane end
            was[lane] = value -- it may be written again, at the end
        end
        held_before[queue] = was
        many('HDEL', P .. 'k:' .. queue, over)
        many('ZREM', P .. 'f:' .. queue, ended)
        many('HSET', P .. 'k:' .. queue, held)
        many('ZADD', P .. 'f:' .. queue, ends)
        if hand then call('ZADD', P .. 'f:' .. queue, 'LT', till, '*') end
    end
end

local function learn(hash, id)
    if not learned[hash] then hashes[#hashes + 1] = hash end
    learned[hash] = id
end

local function note_ended(queue, id)
    if queue == 'in' then
        ended[#ended + 1] = id
    else
        call('SETBIT', P .. 'es:' .. math.floor(id / 65536), id % 65536, '1')
    end
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
