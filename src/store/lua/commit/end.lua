-- end: what was gathered is written.

-- Statuses that came before the answer to our send, now that it is known whose they are.
if #hashes > 0 and call('EXISTS', P .. 'ps') == 1 then
    local keys = {}
    for i, hash in ipairs(hashes) do keys[i] = P .. 'ps:' .. hash end
    if call('EXISTS', unpack(keys)) > 0 then
        for i, key in ipairs(keys) do
            for _, one in ipairs(call('LRANGE', key, 0, -1)) do
                status(learned[hashes[i]], string.match(one, '^(.-)|(.-)|(.*)$'))
            end
        end
        call('UNLINK', unpack(keys))
    end
end
for key, of in pairs(newer) do
    local fields, out = {}, {}
    for field in pairs(of) do fields[#fields + 1] = field end
    local have = call('HMGET', key, unpack(fields))
    for i, field in ipairs(fields) do
        if not have[i] or of[field] > tonumber(have[i]) then
            out[#out + 1], out[#out + 2] = field, int(of[field])
        end
    end
    many('HSET', key, out)
end
-- What waited for somebody's word goes on.
for sender, of in pairs(heard) do
    local asked = call('HMGET', P .. 'hg:' .. sender, unpack(of.people))
    local tiers = {}
    for i, person in ipairs(of.people) do tiers[i] = P .. 'dw:' .. person .. ':' .. sender end
    local any = call('EXISTS', unpack(tiers)) > 0
    for i, person in ipairs(of.people) do
        local waiting = P .. 'hm:' .. person .. ':' .. sender
        if asked[i] and call('HDEL', P .. 'hg:' .. sender, person) == 1 then
            local ids = call('LRANGE', waiting, '0', '-1')
            for n = #ids, 1, -1 do held_ops().back(ids[n], of.why[person]) end
            call('UNLINK', waiting)
        end
        -- Or for the tier, which does not count whoever writes himself.
        for _, place in ipairs(any and call('SMEMBERS', tiers[i]) or {}) do
            local queue, lane = string.match(place, '^(.*)\n(.*)$')
            if call('ZADD', ready_key(queue, lane), 'XX', 'CH', stamp, lane) == 1 then touched[queue] = true end
            call('UNLINK', tiers[i])
        end
    end
end
write_counts()
write_leases()
many('ZADD', P .. 'mx', messages)
for list in pairs(emptied) do gone[#gone + 1] = list end
for i = 1, #gone, 2000 do call('UNLINK', unpack(gone, i, math.min(i + 1999, #gone))) end
if next(fresh) then many('HSET', turn_of('d', 4, 3), pairs_of(fresh)) end
if #hashes > 0 then many('HSET', turn_of('p', 30, 4), pairs_of(learned)) end
if #ended > 0 then call('APPEND', turn_of('ei', 4, 4), table.concat(ended, '\n') .. '\n') end
for sender, tat in pairs(tats) do call('HSET', P .. 'sn:' .. sender, 'tat', int(tat)) end
if granted then call('SET', reply_key, cmsgpack.pack(results), 'PX', 10000) end
for queue in pairs(touched) do call('PUBLISH', 'crewline:wake', P .. queue) end
return results
