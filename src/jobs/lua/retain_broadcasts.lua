-- retain_broadcasts: drops the records of broadcasts whose end was told, and whose last round began before `before`.
-- Their messages go by their own age. ARGV before_ms offset most
-- Returns {how many were looked at, how many are gone}
local old = call('ZRANGEBYSCORE', P .. 'bx', '-inf', '(' .. ARGV[1], 'LIMIT', ARGV[2], ARGV[3])
local gone, before = 0, tonumber(ARGV[1])
for _, id in ipairs(old) do
    local b = call('HMGET', P .. 'b:' .. id, 'v', 'cl', 'ra', 'ls')
    if not b[1] or b[2] and tonumber(b[3] or 0) < before then
        call('UNLINK', P .. 'b:' .. id, P .. 'bc:' .. id, P .. 'bm:' .. id, P .. 'ba:' .. id, P .. 'bl:' .. (b[4] or id))
        call('ZREM', P .. 'bx', id)
        gone = gone + 1
    end
end
return {#old, gone}
