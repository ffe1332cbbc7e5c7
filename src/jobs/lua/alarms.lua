-- alarms: what the alarms of a tenant are judged by, in one look. ARGV number of queues, queue..., after how
-- many ms in which no gateway names it a sender is gone, then for each sender: id, when this process heard its
-- last webhook, when it sent first since its last look (ms, 0)
-- Returns {TIME ms, slowed, percent of maxmemory, {oldest ready since, by queue: {ms of priorities 0 to 4,
--   whether its sender is paused}},
--   {silent since, by sender: ms, 0}, {{people written to in 24 h, how many may be}, by sender},
--   {sender that is gone, lanes in which messages wait for it...}, {alarms that no gateway saw for so long...}}
local now = call('TIME')
local now_ms = now[1] * 1000 + math.floor(now[2] / 1000)

local ages, at = {}, 2
for _ = 1, tonumber(ARGV[1]) do
    local row = {}
    for prio = 0, 4 do
        row[prio + 1] = call('ZRANGE', P .. 'r:' .. ARGV[at] .. ':' .. prio, 0, 0, 'WITHSCORES')[2] or '0'
    end
    local sender = string.match(ARGV[at], '^out:(.*)$')
    row[6] = sender and call('HEXISTS', P .. 'sn:' .. sender, 'paused') or 0
    ages[#ages + 1] = row
    at = at + 1
end

-- A number that sends and hears nothing: no status comes back. wt:<sender> keeps the last webhook that
-- any gateway heard and the first send after it.
local silent, tiers, gone_ms = {}, {}, tonumber(ARGV[at])
at = at + 1
while at <= #ARGV do
    local key, heard, sent = P .. 'wt:' .. ARGV[at], tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
    local have = call('HMGET', key, 'heard', 'sent')
    local last, first = tonumber(have[1] or 0), tonumber(have[2] or 0)
    if heard > last then
        last = heard
        call('HSET', key, 'heard', ARGV[at + 1])
    end
    if first <= last and sent > last then
        first = sent
        call('HSET', key, 'sent', ARGV[at + 2])
    end
    silent[#silent + 1] = first > last and int(first) or '0'
    local tier = call('HMGET', P .. 'sn:' .. ARGV[at], 'people', 'pf')
    tiers[#tiers + 1] = {call('ZCOUNT', P .. 'dp:' .. (tier[2] or ARGV[at]), int(now_ms - 86400000), '+inf'),
        tier[1] or '0'}
    call('ZADD', P .. 'sc', int(now_ms), ARGV[at])
    at = at + 3
end

-- Those that no gateway names any more, until nothing waits for them. (Of several one may begin with the
-- new configuration while another still has the old one.)
local gone = {}
for _, sender in ipairs(call('ZRANGEBYSCORE', P .. 'sc', '-inf', int(now_ms - gone_ms))) do
    local queue = 'out:' .. sender
    local waits = call('ZCARD', P .. 's:' .. queue) + call('HLEN', P .. 'k:' .. queue)
    for prio = 0, 4 do waits = waits + call('ZCARD', P .. 'r:' .. queue .. ':' .. prio) end
    if waits > 0 then
        gone[#gone + 1], gone[#gone + 2] = sender, waits
    else
        call('ZREM', P .. 'sc', sender)
    end
end

local memory = call('INFO', 'memory')
local used, most = string.match(memory, 'used_memory:(%d+)'), string.match(memory, 'maxmemory:(%d+)')
local percent = tonumber(most or 0) > 0 and math.floor(100 * used / most) or 0
local slowed = string.find(call('GET', P .. 'hw') or '', ':', 1, true) and 1 or 0
local unseen = call('ZRANGEBYSCORE', P .. 'al', '-inf', int(now_ms - gone_ms))
return {int(now_ms), slowed, percent, ages, silent, tiers, gone, unseen}
