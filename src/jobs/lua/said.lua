-- said: messages to one person, the newest first, and where they stand. ARGV user before limit   before: the last id
-- looked at, or ''. Reads only. Returns {place to go on behind or '', {id, {order, queue, lane}}...}
local ids, place = told(ARGV[1], ARGV[2] == '' and '+' or '(' .. ARGV[2], '-', tonumber(ARGV[3]))
local out = {place}
for i, id in ipairs(ids) do
    out[i + 1] = {id, fields_of(id, 'o', 'q', 'l')}
end
return out
