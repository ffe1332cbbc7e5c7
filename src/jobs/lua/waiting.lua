-- waiting: messages to one person of which nothing was handed over yet, the newest first. Reads only.
-- ARGV user before limit reply   before: the place behind the page before; reply: the priority of answers
-- Returns {place to go on behind, or '' at the end, how many (but answers) a worker has in hand,
--   {id, {queue, lane, body}}...}
local ids, place = told(ARGV[1], '(' .. ARGV[2], '-', tonumber(ARGV[3]))
local out = {place, 0}
for _, id in ipairs(ids) do
    local m = fields_of(id, 'q', 'l', 'b', 's', 'n')
    local queue, lane, state = m[1] or '', m[2] or '', m[4]
    if m[3] and (state == 'queued' or state == 'sending') then
        local held = call('HGET', P .. 'k:' .. queue, lane)
        if held and string.find(held, '|' .. id .. '|', 1, true) then
            if string.sub(lane, 1, 1) ~= ARGV[4] then out[2] = out[2] + 1 end
        elseif state == 'queued' or (m[5] or '0') == '0' then -- put off: its attempt did not count
            out[#out + 1] = {id, {queue, lane, m[3]}}
        end
    end
end
return out
