-- chunk: the people of a chunk, with their documents and the messages they were sent.
-- ARGV broadcast number docs (1: wanted) messages (1: wanted)
-- Returns {{line, version, body, message, state, flags, queue, lane, answer, timeline}...}
local id = ARGV[1]
local lines = call('HGET', P .. 'bl:' .. id, ARGV[2]) or ''
local out, people, n = {}, {}, 0
for line in string.gmatch(lines, '[^\n]+') do
    n = n + 1
    out[n] = {line, false, false, false, false, false, false, false, false, false}
    people[n] = string.match(line, '^[^ ]+')
end
local wanted = n > 0 and ARGV[4] == '1'
local messages = wanted and call('HMGET', P .. 'bm:' .. id, unpack(people)) or {}
local answers = wanted and call('HMGET', P .. 'ba:' .. id, unpack(people)) or {}
for i = 1, n do
    local row = out[i]
    if ARGV[3] == '1' then
        local doc = call('HMGET', P .. 'u:' .. people[i], 'v', 'b')
        row[2], row[3] = doc[1], doc[2]
    end
    row[4], row[9] = messages[i] or false, answers[i] or false
    if messages[i] and messages[i] ~= '' then
        local m = call('HMGET', P .. 'm:' .. messages[i], 's', 'bf', 'q', 'l', 'tl')
        row[5], row[6], row[7], row[8], row[10] = m[1], m[2], m[3], m[4], m[5]
    end
end
return out
