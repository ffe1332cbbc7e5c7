-- books_listed: a piece of the list of all messages. ARGV from count
-- Returns {last id looked at or "", id of each whose record is gone...}. Reads only.
local ids = call('ZRANGEBYLEX', P .. 'mx', ARGV[1], '+', 'LIMIT', '0', ARGV[2])
local out = {ids[#ids] or ''}
for _, id in ipairs(ids) do
    if not is_there(id) then out[#out + 1] = id end
end
return out
