-- retain_orders: drops closed work orders, unless they changed meanwhile. ARGV for each: id, version as read,
-- canonical number, entry of the index of endings. Returns how many are gone. (What was said about them goes
-- with the messages.)
local gone = 0
for i = 1, #ARGV, 4 do
    local id, version, number = ARGV[i], ARGV[i + 1], ARGV[i + 2]
    if call('HGET', P .. 'o:' .. id, 'v') == version then
        call('UNLINK', P .. 'o:' .. id, P .. 'ot:' .. id)
        call('ZREM', P .. 'ol', id)
        call('ZREM', P .. 'onr', ARGV[i + 3])
        call('HDEL', P .. 'rv', id, id .. ' at')
        if call('HGET', P .. 'on', number) == id then call('HDEL', P .. 'on', number) end
        gone = gone + 1
    end
end
return gone
