-- code_new: a code for a phone: the one before it is of no use any more. The same for a phone that nobody has.
-- ARGV key phone_hash mac unit address_key most each_hour   Returns {0, wait ms} when too many were asked for, or
-- {1, person or false, version, sealed document}
local key, hour = P .. ARGV[1], 3600000
local now = math.floor(now_us() / 1000)
local times, unit = unpack(call('HMGET', key, 'ts', 'u'))
if unit ~= ARGV[4] then
    local kept, n, first = {}, 0, nil
    for t in string.gmatch(times or '', '%d+') do
        if tonumber(t) > now - hour then
            kept[#kept + 1], n, first = t, n + 1, first or tonumber(t)
        end
    end
    if n >= tonumber(ARGV[6]) then return {0, int(first + hour - now)} end
    local from = P .. ARGV[5]
    local asked = call('INCR', from)
    if asked == 1 then call('PEXPIRE', from, '3600000') end
    if asked > tonumber(ARGV[7]) then return {0, call('PTTL', from)} end
    kept[#kept + 1] = int(now)
    call('HSET', key, 'm', ARGV[3], 'at', int(now), 't', '0', 'ts', table.concat(kept, ' '), 'u', ARGV[4])
    call('PEXPIRE', key, '3600000')
end
local person = call('HGET', P .. 'ux', ARGV[2])
if not person then return {1, false} end
local doc = call('HMGET', P .. 'u:' .. person, 'v', 'b')
return {1, person, doc[1], doc[2]}
