-- rows: a page of records by a sorted index, in one round trip; see struct listing in src/app/app_int.h.
-- ARGV index order from to limit scan prefix filter value field...
--   order: "up", "down" (by member, bounds as ZRANGEBYLEX takes them), "score" (largest first; from is
--   "" or "score|member", the place to go on behind)
--   index "mu:<person>" is all that was said to him (told), "down" only
--   filter: plain field of the record that must hold value, or ""
-- Returns {place to go on behind or "", {id, score or "", value of each field...}...}
local index, order, from, to = P .. ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local limit, scan, prefix = tonumber(ARGV[5]), tonumber(ARGV[6]), P .. ARGV[7]
local filter, value = ARGV[8], ARGV[9]
local ids, step, place = nil, 1, nil
if string.sub(ARGV[1], 1, 3) == 'mu:' then
    ids, place = told(string.sub(ARGV[1], 4), from, to, scan)
elseif order == 'up' then
    ids = call('ZRANGEBYLEX', index, from, to, 'LIMIT', 0, scan)
elseif order == 'down' then
    ids = call('ZREVRANGEBYLEX', index, from, to, 'LIMIT', 0, scan)
else
    local at = 0
    if from ~= '' then
        local score, id = string.match(from, '^([^|]*)|(.*)$')
        -- Where it stands now; if it has moved, what stood behind it has not.
        if call('ZSCORE', index, id) == score then
            at = call('ZREVRANK', index, id) + 1
        else
            at = call('ZCOUNT', index, '(' .. score, '+inf')
        end
    end
    ids, step = call('ZREVRANGE', index, at, at + scan - 1, 'WITHSCORES'), 2
end

if not place then
    place = #ids == scan * step and (step == 2 and ids[#ids] .. '|' .. ids[#ids - 1] or ids[#ids]) or ''
end

local function one(id, ...)
    if ARGV[7] == 'm:' then return fields_of(id, ...) end
    return call('HMGET', prefix .. id, ...)
end

local out, n = {place}, 0
for i = 1, #ids, step do
    local id, score = ids[i], step == 2 and ids[i + 1] or ''
    if filter == '' or one(id, filter)[1] == value then
        local row = one(id, unpack(ARGV, 10))
        if ARGV[7] == 'dl:' then -- of a dead letter also the event or message that it is about: as dead.lua
            local seq, message = string.match(id, '^cb:(%d+)$'), string.match(id, '^out:(.*)$')
            local event = seq and call('XRANGE', P .. 'ev', seq .. '-0', seq .. '-0')[1]
            local m = message and fields_of(message, 'b', 's', 'tl', 'n') or {}
            row = {row[1], event and event[2][2] or '', m[1] or '', m[2] or '', m[3] or '', m[4] or ''}
        end
        table.insert(row, 1, score)
        table.insert(row, 1, id)
        n = n + 1
        out[n + 1] = row
    end
    if n == limit then
        if i + step <= #ids then out[1] = step == 2 and score .. '|' .. id or id end
        break
    end
end
return out
