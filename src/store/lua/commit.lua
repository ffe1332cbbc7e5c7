-- commit: the one script that changes what a tenant owns. Several units of work in one call, each
-- all or nothing: its checks all pass before its first write (a script has no rollback), and one that
-- fails leaves the others alone. Written by store/commit.c; every operation is described there too.
-- ARGV owner lease_ms, then for each unit: checks, "W", writes, "."
-- Returns one list per unit: {"ok", result of each write that has one...}
--   or {"dup", value} | {"differs"} | {"conflict", key} | {"fenced"} | {"stale"}
local owner, lease_ms = ARGV[1], tonumber(ARGV[2])
local at = 3
local now = now_us()
local now_ms = math.floor(now / 1000)
local EPOCH_MS = 4 * 86400000 -- three epochs are looked at: 8 days at least, 12 at most
local epoch = math.floor(now_ms / EPOCH_MS)
local touched = {}

local function arg()
    local v = ARGV[at]
    at = at + 1
    return v
end

-- What a message may become: only up, and failed never after delivered.
local RANK = {queued = 1, sending = 2, uncertain = 3, sent = 4, delivered = 5, read = 6}
local FINAL = {failed = true, expired = true, cancelled = true}

local function move(id, state, at_ms, detail)
    local m = call('HMGET', P .. 'm:' .. id, 's', 'tl')
    local cur = m[1]
    if not cur then return 'none' end
    if FINAL[cur] then return 'kept' end
    if FINAL[state] then
        if RANK[cur] >= RANK.delivered then return 'kept' end
    elseif RANK[state] <= RANK[cur] then
        return 'kept'
    end
    call('HSET', P .. 'm:' .. id, 's', state,
        'tl', (m[2] or '') .. state .. ',' .. at_ms .. ',' .. detail .. '\n')
    return 'moved'
end

-- Evidence about a message whose lane is held (uncertain, or waiting to be tried again) decides it:
-- the lane goes on. While a worker holds the lease its own completion does that.
local function settle(id)
    local m = call('HMGET', P .. 'm:' .. id, 'q', 'l')
    if not m[1] or call('HEXISTS', P .. 'k:' .. m[1], m[2]) == 1 then return end
    local list = P .. 'l:' .. m[1] .. ':' .. m[2]
    if call('LINDEX', list, 0) == id and (call('HGET', P .. 'm:' .. id, 's') ~= 'queued') then
        call('LPOP', list)
        release(m[1], m[2], now_ms)
        touched[m[1]] = true
    end
end

local function status(id, state, at_ms, detail)
    local moved = move(id, state, at_ms, detail)
    if moved == 'moved' then settle(id) end
    return moved
end

local check = {
    -- document at this version ("0": absent)
    V = function()
        local key, ver = arg(), arg()
        if (call('HGET', P .. key, 'v') or '0') ~= ver then return {'conflict', key} end
    end,
    -- not seen before: key, fingerprint of the content
    N = function()
        local key, print = arg(), arg()
        for e = epoch, epoch - 2, -1 do
            local seen = call('HGET', P .. 'd:' .. e, key)
            if seen then
                local cut = string.find(seen, '|', 1, true)
                local old = string.sub(seen, 1, cut - 1)
                if old == print or old == '' or print == '' then return {'dup', string.sub(seen, cut + 1)} end
                return {'differs'}
            end
        end
    end,
    -- lease still ours
    L = function()
        local queue, lane, id, token = arg(), arg(), arg(), arg()
        local k = call('HGET', P .. 'k:' .. queue, lane)
        local prefix = token .. '|' .. id .. '|'
        if not k or string.sub(k, 1, #prefix) ~= prefix then return {'fenced'} end
    end,
    -- not older than what was accepted for this key
    R = function()
        local key, mark = arg(), tonumber(arg())
        local seen = tonumber(call('HGET', P .. 'rv', key) or '-1')
        if mark < seen then return {'stale'} end
    end,
}
local check_args = {V = 2, N = 2, L = 4, R = 2}

local write = {
    -- document: key version body n field value...
    D = function()
        local key, ver, body, n = arg(), arg(), arg(), tonumber(arg())
        local f = {'v', ver, 'b', body}
        for i = 1, 2 * n do f[4 + i] = arg() end
        call('HSET', P .. key, unpack(f))
    end,
    X = function() call('UNLINK', P .. arg()) end,
    -- remember as seen
    I = function()
        local key, print, value = arg(), arg(), arg()
        call('HSET', P .. 'd:' .. epoch, key, print .. '|' .. value)
    end,
    W = function()
        local key, mark = arg(), arg()
        local seen = tonumber(call('HGET', P .. 'rv', key) or '-1')
        if tonumber(mark) > seen then call('HSET', P .. 'rv', key, mark) end
    end,
    -- enqueue: queue lane id not_before_ms grant interval_us burst pair_interval_ms pair_burst -> token or 0
    Q = function()
        local queue, lane, id, not_before, grant = arg(), arg(), arg(), tonumber(arg()), arg()
        local interval, burst, pair_interval, pair_burst = tonumber(arg()), tonumber(arg()),
            tonumber(arg()) * 1000, tonumber(arg())
        local depth = call('RPUSH', P .. 'l:' .. queue .. ':' .. lane, id)
        if string.sub(queue, 1, 4) == 'out:' then call('HSET', P .. 'm:' .. id, 'q', queue, 'l', lane) end
        if depth > 1 then return 0 end -- the lane is already ready, put off or leased
        if grant == '1' and not_before <= now_ms then
            local room, tat, wait, pair_tat = 1, 0, 0, 0
            if interval > 0 then room, tat = rate_room(P .. 'g:' .. queue, now, interval, burst, 1) end
            if room > 0 and pair_interval > 0 then
                wait, pair_tat = pair_wait(queue, lane, now, pair_interval, pair_burst)
            end
            if room > 0 and wait == 0 then
                if interval > 0 then call('SET', P .. 'g:' .. queue, int(tat + interval)) end
                if pair_interval > 0 then
                    call('HSET', P .. 'pr:' .. queue, string.sub(lane, 2), int(pair_tat + pair_interval))
                end
                return lease(queue, lane, id, owner, now, lease_ms)
            end
        end
        if not_before < now_ms then not_before = now_ms end
        call('ZADD', ready_key(queue, lane), int(not_before), lane)
        touched[queue] = true
        return 0
    end,
    -- finish the head: queue lane id
    F = function()
        local queue, lane, id = arg(), arg(), arg()
        local list = P .. 'l:' .. queue .. ':' .. lane
        if call('LINDEX', list, 0) == id then call('LPOP', list) else call('LREM', list, 1, id) end
        release(queue, lane, now_ms)
        if call('EXISTS', list) == 1 then touched[queue] = true end
    end,
    -- put off the head: queue lane not_before_ms
    B = function()
        local queue, lane, not_before = arg(), arg(), arg()
        release(queue, lane, tonumber(not_before))
        touched[queue] = true
    end,
    -- keep the lease longer: queue lane lease_ms
    T = function()
        local queue, lane, ms = arg(), arg(), tonumber(arg())
        call('ZADD', P .. 'f:' .. queue, int(now_ms + ms), lane)
    end,
    -- take an item out wherever it stands, unless a worker has it: queue lane id -> 1 taken
    K = function()
        local queue, lane, id = arg(), arg(), arg()
        local k = call('HGET', P .. 'k:' .. queue, lane)
        if k and string.find(k, '|' .. id .. '|', 1, true) then return 0 end
        local gone = call('LREM', P .. 'l:' .. queue .. ':' .. lane, 1, id)
        if not k and call('EXISTS', P .. 'l:' .. queue .. ':' .. lane) == 0 then
            call('ZREM', ready_key(queue, lane), lane)
        end
        return gone
    end,
    -- event for the CMMS: lane body callback -> sequence
    E = function()
        local lane, body, callback = arg(), arg(), arg()
        local seq = call('INCR', P .. 'seq')
        call('XADD', P .. 'ev', seq .. '-0', 'b', body)
        if callback == '1' then
            if call('RPUSH', P .. 'l:cb:' .. lane, seq) == 1 then
                call('ZADD', P .. 'r:cb:' .. string.sub(lane, 1, 1), now_ms, lane)
            end
            touched.cb = true
        end
        return seq
    end,
    -- message to a state: id state at_ms detail -> moved | kept | none
    M = function() return move(arg(), arg(), arg(), arg()) end,
    -- status from a provider: id ("" when not told) provider_hash state at_ms detail -> moved | kept | none
    S = function()
        local id, hash, state, at_ms, detail = arg(), arg(), arg(), arg(), arg()
        if id == '' then id = call('GET', P .. 'p:' .. hash) or '' end
        if id == '' then
            -- It came before the answer to our send: kept for G, an hour.
            call('SET', P .. 'ps:' .. hash, state .. '|' .. at_ms .. '|' .. detail, 'PX', 3600000)
            return 'none'
        end
        return status(id, state, at_ms, detail)
    end,
    -- learn the provider's id of a message: hash id keep_ms
    G = function()
        local hash, id, keep_ms = arg(), arg(), arg()
        call('SET', P .. 'p:' .. hash, id, 'PX', keep_ms)
        local early = call('GETDEL', P .. 'ps:' .. hash)
        if early then
            local state, at_ms, detail = string.match(early, '^(.-)|(.-)|(.*)$')
            move(id, state, at_ms, detail)
        end
    end,
    -- fields of a hash: key n field value...
    H = function()
        local key, n, f = arg(), tonumber(arg()), {}
        for i = 1, 2 * n do f[i] = arg() end
        call('HSET', P .. key, unpack(f))
    end,
    h = function() call('HDEL', P .. arg(), arg()) end,
    ['+'] = function() return call('HINCRBY', P .. arg(), arg(), arg()) end,
    -- largest wins (window ledger): key field number
    U = function()
        local key, field, n = arg(), arg(), tonumber(arg())
        if n > tonumber(call('HGET', P .. key, field) or '0') then call('HSET', P .. key, field, int(n)) end
    end,
    Z = function() call('ZADD', P .. arg(), arg(), arg()) end,
    z = function() call('ZREM', P .. arg(), arg()) end,
    -- append to a list that keeps its newest: key body most
    A = function()
        local key, body, most = arg(), arg(), tonumber(arg())
        if call('RPUSH', P .. key, body) > most then call('LTRIM', P .. key, -most, -1) end
    end,
    -- append to a stream (audit): key body
    J = function() call('XADD', P .. arg(), '*', 'b', arg()) end,
    -- plain value that ends by itself: key value ms
    Y = function() call('SET', P .. arg(), arg(), 'PX', arg()) end,
}

local function skip_checks()
    while ARGV[at] ~= 'W' do at = at + 1 + check_args[ARGV[at]] end
end
-- Writes of a refused unit are skipped by the length that the builder put behind "W".
local results = {}
while at <= #ARGV do
    local refused
    while not refused and ARGV[at] ~= 'W' do refused = check[arg()]() end
    if refused then skip_checks() end
    at = at + 1
    local length = tonumber(arg())
    if refused then
        at = at + length
        results[#results + 1] = refused
    else
        local ok, stop = {'ok'}, at + length
        while at < stop do
            local r = write[arg()]()
            if r then ok[#ok + 1] = r end
        end
        results[#results + 1] = ok
    end
end
for queue in pairs(touched) do call('PUBLISH', 'crewline:wake', P .. queue) end
return results
