-- retain_messages: drops messages that came to their end before `before`, from the oldest on. What waits, and
-- what was said of lately, stays. ARGV from to limit before_ms; from, to: bounds of ids as ZRANGEBYLEX takes them
-- Returns {last id looked at or "", how many are gone}
local ids, gone, before = call('ZRANGEBYLEX', P .. 'mx', ARGV[1], ARGV[2], 'LIMIT', '0', ARGV[3]), 0, tonumber(ARGV[4])
local ends = {sent = true, delivered = true, read = true, failed = true, expired = true, cancelled = true}

-- Uncertain to the end, or held until evidence comes?
local function waits(id, queue, lane)
    return queue and lane and (call('LPOS', P .. 'l:' .. queue .. ':' .. lane, id)
        or call('ZSCORE', P .. 's:' .. queue, lane .. '\n' .. id)
        or call('ZSCORE', P .. 'hx', queue .. '\n' .. lane .. '\n' .. id))
end

for _, id in ipairs(ids) do
    local m = fields_of(id, 's', 'q', 'l', 'u', 'o', 'tl')
    local last = tonumber(string.match(m[6] or '', ',(%d+),[^\n]*\n$') or 0)
    if last < before and (ends[m[1]] or m[1] == 'uncertain' and not waits(id, m[2], m[3])) then
        local cell, rest = cell_of(id)
        call('UNLINK', P .. 'm:' .. id)
        call('HDEL', cell, rest, rest .. '.')
        call('ZREM', P .. 'mx', id)
        call('ZREM', P .. 'dl', 'out:' .. id)
        local person = person_of(m[4], m[3])
        if person then call('ZREM', P .. 'mu:' .. person, id) end
        if m[5] and m[5] ~= '' then call('ZREM', P .. 'mo:' .. m[5], id) end
        gone = gone + 1
    end
end
return {ids[#ids] or '', gone}
