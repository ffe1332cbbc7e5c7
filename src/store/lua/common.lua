-- common: what every script begins with. KEYS[1] is the tenant's prefix, "{acme}:": one slot.
-- Keys below it are named in include/store/keys.h, the one list of them.
local P = KEYS[1]
local call = redis.call

-- Time never runs backwards here: max(TIME, stored high water), in microseconds. Without it a clock
-- stepped back would revive leases and spend rate tokens twice.
local function now_us()
    local t = call('TIME')
    local us = t[1] * 1000000 + t[2]
    local hw = tonumber(call('GET', P .. 'hw') or '0')
    if us < hw then return hw end
    if us > hw + 200000 then call('SET', P .. 'hw', string.format('%.0f', us)) end
    return us
end

local function int(n) return string.format('%.0f', n) end

-- A lane is named by its priority (one digit, 0 critical .. 4 low) and its key: "1u:3f09". All about
-- a lane follows from its name, so nothing needs to be looked up to release one.
local function ready_key(queue, lane) return P .. 'r:' .. queue .. ':' .. string.sub(lane, 1, 1) end

-- GCRA: how many of `want` may go now at one per `interval` with `burst` at once, and when the next
-- may. The caller writes the new arrival time back with what it really took.
local function rate_room(key, now, interval, burst, want)
    local tat = tonumber(call('GET', key) or '0')
    if tat < now then tat = now end
    local room = math.floor((burst * interval - (tat - now)) / interval)
    if room > want then room = want end
    if room < 0 then room = 0 end
    return room, tat
end

-- The same for one person and one sender. Returns the time from which the next may go (0: now).
local function pair_wait(queue, lane, now, interval, burst)
    local tat = tonumber(call('HGET', P .. 'pr:' .. queue, string.sub(lane, 2)) or '0')
    if tat < now then tat = now end
    local free = tat - (burst - 1) * interval
    if free > now then return free, tat end
    return 0, tat
end

-- Lease the lane to `owner`: a fencing token that only grows, and the end of the lease.
local function lease(queue, lane, id, owner, now, lease_ms)
    local token = call('INCR', P .. 'fence')
    call('HSET', P .. 'k:' .. queue, lane, token .. '|' .. id .. '|' .. owner)
    call('ZADD', P .. 'f:' .. queue, int(now / 1000 + lease_ms), lane)
    return token
end

-- A lane without a lease goes back among the ready ones, or vanishes with its last item.
local function release(queue, lane, not_before_ms)
    call('HDEL', P .. 'k:' .. queue, lane)
    call('ZREM', P .. 'f:' .. queue, lane)
    if call('LLEN', P .. 'l:' .. queue .. ':' .. lane) > 0 then
        call('ZADD', ready_key(queue, lane), int(not_before_ms), lane)
    else
        call('ZREM', ready_key(queue, lane), lane)
    end
end
