-- books_records: a piece of a tenant's records, looked at for the books (jobs/books.h). Reads only.
-- ARGV cursor count what; what: "records" (messages, inbound items, lanes of messages) or "lanes" (the others)
-- Returns {next cursor, row...}
--   row = {"m", id, state, body, fault, waits} | {"i", id, body} | {"q", queue, id, fault}
--   fault: why it does not balance, or ""; waits: 1 while the message is in a lane
local found = call('SCAN', ARGV[1], 'MATCH', P .. (ARGV[3] == 'lanes' and '[lk]:*' or '[milk][f:]*'), 'COUNT', ARGV[2])
local out = {found[1]}

-- Somebody comes to a lane only by the list of ready ones or of leased ones; all that is held by hand is "*" there.
local function found_by(queue, lane, held)
    return call('ZSCORE', ready_key(queue, lane), lane)
        or call('ZSCORE', P .. 'f:' .. queue, by_hand(held) and '*' or lane)
end

local open = {queued = true, sending = true, uncertain = true}
local ends = {sent = true, delivered = true, read = true, failed = true, expired = true, cancelled = true}

local function fault_of(id, state, queue, lane)
    if not call('ZSCORE', P .. 'mx', id) then return 'it is not in the list of messages', 0 end
    if ends[state] then return '', 0 end
    if not open[state] then return 'it has no state that is known', 0 end
    if not queue or not lane then return 'it waits, but for no sender', 0 end
    local places, held = #call('LPOS', P .. 'l:' .. queue .. ':' .. lane, id, 'COUNT', '0'),
        call('HGET', P .. 'k:' .. queue, lane)
    if by_hand(held) == id then places = places + 1 end
    local listed = places > 0
    if call('ZSCORE', P .. 's:' .. queue, lane .. '\n' .. id) then places = places + 1 end
    if call('ZSCORE', P .. 'hx', queue .. '\n' .. lane .. '\n' .. id) then -- it waits for its person's next word
        local word = P .. 'hm:' .. string.sub(lane, 2) .. ':' .. string.sub(queue, 5)
        if not call('LPOS', word, id) then return 'it waits for a word that would not let it go on', 1 end
        places = places + 1
    end
    if places == 0 then
        if state == 'uncertain' then return '', 0 end
        return 'it is ' .. state .. ', but in no lane: nobody would send it', 0
    end
    if places > 1 then return 'it waits in ' .. places .. ' places', 1 end
    if listed and not found_by(queue, lane, held) then return 'nobody would come to its lane', 1 end
    return '', 1
end

-- What waits to be sent, seen from the lane ("<queue>:<lane>"): its record must be there, and name this lane.
local function lane_of_messages(place, ids)
    for _, id in ipairs(ids) do
        local at = fields_of(id, 'q', 'l', 's')
        if not at[3] then
            out[#out + 1] = {'m', id, '', '', 'a lane holds it, but its record is gone', 0}
        elseif (at[1] or '') .. ':' .. (at[2] or '') ~= place then
            out[#out + 1] = {'m', id, '', '', 'it waits in a lane that is not its own', 0}
        end
    end
end

local function lane_of(place, ids)
    local queue, lane = string.match(place, '^(%a%a):(.*)$')
    if queue ~= 'in' and queue ~= 'cb' then return end
    local fault = found_by(queue, lane, call('HGET', P .. 'k:' .. queue, lane)) and '' or 'nobody would come to its lane'
    for _, id in ipairs(ids) do
        local there = queue == 'in' and call('HEXISTS', P .. 'i:' .. id, 'b') == 1
            or queue == 'cb' and call('XRANGE', P .. 'ev', id .. '-0', id .. '-0')[1]
        out[#out + 1] = {'q', queue, id, there and fault or 'a lane holds it, but its record is gone'}
    end
end

-- Of the lists of lanes, and of what is held by hand: messages, or the others.
local function look(place, ids)
    if ARGV[3] == 'lanes' then
        lane_of(place, ids)
    elseif string.sub(place, 1, 4) == 'out:' then
        lane_of_messages(place, ids)
    end
end

local function message(id)
    local m = fields_of(id, 's', 'b', 'q', 'l')
    local fault, waits = fault_of(id, m[1], m[3], m[4])
    out[#out + 1] = {'m', id, m[1] or '', m[2] or '', fault, waits}
end

for _, key in ipairs(found[2]) do
    local name = string.sub(key, #P + 1)
    local kind, id = string.match(name, '^(%a+):(.*)$')
    if kind == 'l' then
        look(id, call('LRANGE', key, 0, -1))
    elseif kind == 'k' then
        local held = call('HGETALL', key)
        for i = 1, #held, 2 do look(id .. ':' .. held[i], {(by_hand(held[i + 1]))}) end
    elseif kind == 'm' then
        message(id)
    elseif kind == 'mf' then -- several, folded
        for _, rest in ipairs(call('HKEYS', key)) do
            if string.sub(rest, -1) ~= '.' then message(id .. rest) end
        end
    elseif kind == 'i' then
        out[#out + 1] = {'i', id, call('HGET', key, 'b') or ''}
    end
end
return out
