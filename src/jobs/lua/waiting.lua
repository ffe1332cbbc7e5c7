-- waiting: messages to one person that were not handed over yet, the newest first. Reads only.
-- ARGV user before limit   before: '' or the last id of the page before
-- Returns {last id looked at, or '' at the end, {id, {queue, lane, body}}...}
local from = ARGV[2] == '' and '+' or '(' .. ARGV[2]
local ids = call('ZREVRANGEBYLEX', P .. 'mu:' .. ARGV[1], from, '-', 'LIMIT', '0', ARGV[3])
local out = {#ids == tonumber(ARGV[3]) and ids[#ids] or ''}
for _, id in ipairs(ids) do
    local m = call('HMGET', P .. 'm:' .. id, 'q', 'l', 'b', 's')
    if m[4] == 'queued' and m[3] then out[#out + 1] = {id, {m[1] or '', m[2] or '', m[3]}} end
end
return out
