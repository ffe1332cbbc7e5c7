-- chunk: the people of a chunk, with their documents and the messages they were sent. Before they were sent any
-- (the first round) they are read without it: jobs/broadcast_chunk.c.
-- ARGV broadcast number docs (1: wanted) messages (2: and a row more for each that says one again) sender...
-- Returns {{line, version, body, message, state, flags, queue, lane, answer, timeline}..., {window...} of each sender};
-- of several messages that tell him (store/lua/commit/broadcasts.lua) the one that got furthest
local id = ARGV[1]
local lines = call('HGET', P .. 'bl:' .. (call('HGET', P .. 'b:' .. id, 'ls') or id), ARGV[2]) or ''
local out, people, n = {}, {}, 0
local FAR = {read = 7, delivered = 6, sent = 5, queued = 4, sending = 4, cancelled = 3, uncertain = 2}

local function fill(row, message)
    local m = fields_of(message, 's', 'bf', 'q', 'l', 'tl')
    row[4], row[5], row[6], row[7], row[8], row[10] = message, m[1], m[2], m[3], m[4], m[5]
    if m[1] == 'uncertain' and string.find(m[2] or '', 'g', 1, true) then return 1 end
    return FAR[m[1]] or m[1] and 1 or 0
end

local function several(row, first)
    local answered = string.find(row[6], 'a', 1, true) and 'a' or ''
    local most, furthest = -1, first
    for message in string.gmatch(fields_of(first, 'bg')[1] or first, '%S+') do
        local other = message ~= first and ARGV[4] == '2' and {row[1], false, false} or row
        local far = fill(other, message)
        if other ~= row then
            other[9] = false
            out[#out + 1] = other
        elseif far > most then
            most, furthest = far, message
        end
    end
    fill(row, furthest)
    row[6] = (row[6] or '') .. answered
end

for line in string.gmatch(lines, '[^\n]+') do
    n = n + 1
    people[n] = string.match(line, '^[^ ]+')
    local doc = ARGV[3] == '1' and call('HMGET', P .. 'u:' .. people[n], 'v', 'b') or {false, false}
    out[n] = {line, doc[1], doc[2], false, false, false, false, false, false, false}
end
local messages = n > 0 and call('HMGET', P .. 'bm:' .. id, unpack(people)) or {}
local answers = n > 0 and call('HMGET', P .. 'ba:' .. id, unpack(people)) or {}
for i = 1, n do
    local row = out[i]
    row[4], row[9] = messages[i] or false, answers[i] or false
    if messages[i] and messages[i] ~= '' then
        fill(row, messages[i])
        if row[6] and string.find(row[6], 'm', 1, true) then several(row, messages[i]) end
    end
end
for at = 5, n > 0 and #ARGV or 0 do out[#out + 1] = call('HMGET', P .. 'w:' .. ARGV[at], unpack(people)) end
return out
