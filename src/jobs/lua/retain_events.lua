-- retain_events: drops events from before `before`, from the oldest on, up to one that still waits for the CMMS.
-- An event tells no time but inside its seal, so em notes now and then which the last one was.
-- ARGV before_ms limit now_ms posting; now_ms: note it, or ""; posting: "1", or "0": the CMMS has no endpoint
-- any more, so what waited for it is dropped with its event. Returns how many are gone
local seq = call('GET', P .. 'seq') or '0'
if ARGV[3] ~= '' then call('ZADD', P .. 'em', ARGV[3], seq .. ' ' .. ARGV[3]) end
local mark = call('ZREVRANGEBYSCORE', P .. 'em', '(' .. ARGV[1], '-inf', 'LIMIT', '0', '1')[1]
if not mark then return 0 end
local last, at = string.match(mark, '^(%d+) (%d+)$')
call('ZREMRANGEBYSCORE', P .. 'em', '-inf', '(' .. at)

local gone, to = 0, nil
for _, entry in ipairs(call('XRANGE', P .. 'ev', '-', last .. '-0', 'COUNT', ARGV[2])) do
    local id = string.match(entry[1], '^%d+')
    local posted = entry[2][3] == 'c'
    if posted and ARGV[4] == '1' and call('GETBIT', P .. 'es:' .. math.floor(id / 65536), id % 65536) == 0 then break end
    gone, to = gone + 1, id
end
if to then
    call('XTRIM', P .. 'ev', 'MINID', int(to + 1) .. '-0')
    call('SET', P .. 'evt', to)
    local bits = math.floor((to + 1) / 65536)
    if bits > 0 then call('UNLINK', P .. 'es:' .. bits - 1) end
    local ready, last_gone = P .. 'r:cb:3', tonumber(to)
    for _, lane in ipairs(ARGV[4] == '0' and call('ZRANGE', ready, 0, ARGV[2] - 1) or {}) do
        local list = P .. 'l:cb:' .. lane
        local head = call('LINDEX', list, 0)
        while head and tonumber(head) <= last_gone do
            call('LPOP', list)
            call('DEL', P .. 'cb:' .. head)
            head = call('LINDEX', list, 0)
        end
        if not head then call('ZREM', ready, lane) end
    end
end
return gone
