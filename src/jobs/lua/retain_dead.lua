-- retain_dead: drops dead letters from before `before`, with what they are about. ARGV before_ms limit
-- Returns how many there were. For the books they have come to their end (ei, es).
local ids = call('ZRANGEBYSCORE', P .. 'dl', '-inf', '(' .. ARGV[1], 'LIMIT', '0', ARGV[2])
local turn
for _, id in ipairs(ids) do
    local kind, item = string.match(id, '^(%a+):(.*)$')
    call('ZREM', P .. 'dl', id)
    call('UNLINK', P .. 'dl:' .. id)
    if kind == 'in' then
        turn = turn or string.match(call('GET', P .. 'ein') or '', '^%d+')
        if not turn then
            turn = '1'
            call('SET', P .. 'ein', '1 ' .. int(now_us() / 1000))
        end
        call('UNLINK', P .. 'i:' .. item)
        call('APPEND', P .. 'ei:' .. turn, item .. '\n')
    elseif kind == 'cb' then
        call('SETBIT', P .. 'es:' .. math.floor(item / 65536), item % 65536, '1')
    end
end
return #ids
