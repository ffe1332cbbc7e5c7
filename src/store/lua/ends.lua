#!lua flags=allow-oom
-- ends: messages that were handed over, and of whose records nobody has written anything since the commit that made and
-- granted them: nearly all that are sent at speed. They could as well be units of commit, which does the same for
-- all others; it is a script of its own because Redis runs each from its first line (common.lua), and has all text in
-- it hashed byte by byte: an end costs two thirds of what it does there. As commit does for what holds a lease, it goes
-- on when Redis is full, since it drains.
-- ARGV queue, then for each: lane, "token|id|", "at_ms,detail", provider_hash
-- Returns the numbers of those that it has left alone. Whatever is unusual about one is for commit to see.
local A, queue, n = ARGV, ARGV[1], 0
local lanes = {}
for at = 2, #A, 4 do
    n = n + 1
    lanes[n] = A[at]
end
local leases = P .. 'k:' .. queue
local held = call('HMGET', leases, unpack(lanes))

-- Where the ids of today are noted: hashes kept in turn, and to begin the next is for commit (turn_of()). So are
-- statuses that came before the answer to our send.
local turn, since = string.match(call('GET', P .. 'pn') or '', '^(%d+) (%d+)$')
local left, usual = {}, turn and now_us() < (since + 30 * 86400000) * 1000
if usual and call('EXISTS', P .. 'ps') == 1 then
    local early = {}
    for nth = 1, n do early[nth] = P .. 'ps:' .. A[4 * nth + 1] end
    usual = call('EXISTS', unpack(early)) == 0
end
if not usual then
    for nth = 1, n do left[nth] = nth end
    return left
end

-- What leases say behind "token|id|" -> {broadcast, what is written up to the end, how many}, or false: nothing, or
-- something that is not so usual. Those that were granted together say the same.
local writings = {}
local function writing(rest)
    local of = false
    local broadcast, lines = as_written(rest)
    if broadcast and string.byte(rest, -1) == 104 -- "h": nothing waits behind it
        and (broadcast == '' or call('HGET', P .. 'b:' .. broadcast, 'st') ~= 'cancelled') then
        of = {broadcast, (broadcast == '' and '' or broadcast .. '\n') .. lines .. 'sent,', 0}
    end
    writings[rest] = of
    return of
end

local find, sub = string.find, string.sub
local over, names, ended, of, rest = {}, {}, {}, false, nil
local cells = {} -- of those that stand folded (common.lua): cell -> fields
for nth = 1, n do
    local at = 4 * nth - 2
    local prefix, lease = A[at + 1], held[nth]
    local cut = #prefix + 1
    if lease and not ended[lanes[nth]] and find(lease, prefix, 1, true) == 1 then
        if not rest or #lease ~= cut - 1 + #rest or find(lease, rest, cut, true) ~= cut then
            rest = sub(lease, cut)
            of = writings[rest]
            if of == nil then of = writing(rest) end
        end
    else
        rest, of = nil, false
    end
    if of then
        local id, lines = sub(prefix, find(prefix, '|', 1, true) + 1, -2), of[2] .. A[at + 2] .. '\n'
        if of[1] == '' then
            call('HSET', P .. 'm:' .. id, 's', 'sent', 'tl', lines)
        else
            into_cell(cells, id, '.', lines)
            of[3] = of[3] + 1
        end
        over[#over + 1], ended[lanes[nth]] = lanes[nth], true
        if A[at + 3] ~= '' then names[#names + 1], names[#names + 2] = A[at + 3], id end
    else
        left[#left + 1] = nth
    end
end
write_cells(cells)
if #over > 0 then call('HDEL', leases, unpack(over)) end
if #names > 0 then call('HSET', P .. 'p:' .. turn, unpack(names)) end
for _, of in pairs(writings) do
    if of and of[3] > 0 then
        local counts = P .. 'bc:' .. of[1]
        call('HINCRBY', counts, 'queued', -of[3])
        call('HINCRBY', counts, 'sent', of[3])
        call('HINCRBY', counts, 'silent', of[3])
    end
end
return left
