-- dead: dead letters with all that their replay needs. Reads only.
-- ARGV from limit id...; without ids: the oldest first, as they are to go again, from "" or from "last|score|id", the
-- place to go on behind, and up to `last`, the newest that there was at first: what is given up again meanwhile is not
-- Returns {place to go on behind or "", row...}
--   row = {id, score, body, event, message's body, state, timeline, sends, person's version, document,
--   state of its broadcast}
local index, out = P .. 'dl', {''}
local ids, n = {}, 0
local function add(id, score)
    n = n + 1
    ids[n] = {id, score}
end

for i = 3, #ARGV do
    local score = call('ZSCORE', index, ARGV[i])
    if score then add(ARGV[i], score) end
end
if #ARGV == 2 then
    local at, limit = 0, tonumber(ARGV[2])
    local last, score, id = string.match(ARGV[1], '^([^|]*)|([^|]*)|(.*)$')
    if last then
        -- Where it stood: what was replayed since is gone, and what stood before it has been looked at.
        at = call('ZSCORE', index, id) == score and call('ZRANK', index, id) + 1
            or call('ZCOUNT', index, '-inf', '(' .. score)
    else
        last = call('ZREVRANGE', index, '0', '0', 'WITHSCORES')[2] or '0'
    end
    local found = call('ZRANGE', index, at, at + limit - 1, 'WITHSCORES')
    for i = 1, #found, 2 do
        if tonumber(found[i + 1]) > tonumber(last) then break end
        add(found[i], found[i + 1])
    end
    if n == limit then out[1] = last .. '|' .. ids[n][2] .. '|' .. ids[n][1] end
end

for i = 1, n do
    local id = ids[i][1]
    local seq, message = string.match(id, '^cb:(%d+)$'), string.match(id, '^out:(.*)$')
    local event = seq and call('XRANGE', P .. 'ev', seq .. '-0', seq .. '-0')[1]
    local m = message and fields_of(message, 'b', 's', 'tl', 'n', 'u', 'br', 'l') or {}
    local person = person_of(m[5], m[7])
    local u = person and call('HMGET', P .. 'u:' .. person, 'v', 'b') or {}
    out[i + 1] = {id, ids[i][2], call('HGET', P .. 'dl:' .. id, 'b') or '', event and event[2][2] or '',
        m[1] or '', m[2] or '', m[3] or '', m[4] or '', u[1] or '', u[2] or '',
        m[6] and call('HGET', P .. 'b:' .. m[6], 'st') or ''}
end
return out
