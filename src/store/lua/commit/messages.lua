-- messages: their states and timelines.

-- What a message may become: only up, and failed never after delivered. DECIDED: from there on nothing
-- more is handed over.
local RANK, DECIDED
local function rank(state)
    if not RANK then
        RANK = {queued = 1, sending = 2, uncertain = 3, sent = 4, delivered = 5, read = 6,
            failed = 7, expired = 7, cancelled = 7}
        DECIDED = 4
    end
    return RANK[state]
end

-- The message whose record this unit has checked, as it was then: nothing was written since.
local known_key, known

-- Reads it; its state, or false: there is no record.
local function know(id)
    known_key = P .. 'm:' .. id
    known = message(id, 's', 'tl', 'br', 'bf', 'ag')
    return known[1]
end

-- What becomes of one that was handed over and stands folded, should it stay so: as move(), or nil.
local function move_folded(id, state, line)
    local to, cell, rest = rank(state), cell_of(id)
    local lines = to < 7 and call('HGET', cell, rest .. '.')
    if not lines then return nil end
    local was = string.match(lines, '([^\n,]*),[^\n]*\n$')
    if to <= rank(was) then return 'kept', rank(was) end
    call('HSET', cell, rest .. '.', lines .. state .. ',' .. line .. '\n')
    tally(string.match(lines, '^[^\n]*'), id, '', was, state)
    return 'moved', rank(was)
end

-- line: "at_ms,detail" for its timeline; attempt: what a provider says is of that one, or nil; queue and lane: its
-- own, where they are known. Returns moved | kept | none, and the rank it had.
local function move(id, state, line, attempt, queue, lane)
    local key = P .. 'm:' .. id
    local m = known_key == key and known or call('HMGET', key, 's', 'tl', 'br', 'bf', 'ag')
    known_key = nil
    if not m[1] then
        local moved, was = move_folded(id, state, line)
        if moved then return moved, was end
        m = message(id, 's', 'tl', 'br', 'bf', 'ag')
    end
    local from, to = rank(m[1]), rank(state)
    if not from then return 'none' end
    if to <= from or (to == 7 and from >= RANK.delivered) then return 'kept', from end
    if to == 4 and m[5] and (attempt and tonumber(attempt) <= tonumber(m[5]) or m[5] == call('HGET', key, 'n')) then
        return 'kept', from -- of a refused attempt
    end
    if from == 3 then call('ZREM', P .. 'dl', 'out:' .. id) end -- settled after all
    if to == 7 and state ~= 'cancelled' then call('ZADD', P .. 'dl', stamp, 'out:' .. id) end
    call('HSET', key, 's', state, 'tl', (m[2] or '') .. state .. ',' .. line .. '\n')
    if from == 2 then rewritten(id, queue, lane) end
    if m[3] then tally(m[3], id, m[4] or '', m[1], state) end
    return 'moved', from
end

-- The same note again takes the place of the last line: to be put off a thousand times is one line.
local function note(id, at_ms, detail)
    local key = P .. 'm:' .. id
    local m = message(id, 's', 'tl')
    if not m[1] then return end
    local lines, tail = m[2] or '', ',' .. detail .. '\n'
    local head, last = string.match(lines, '^(.-)([^\n]*\n)$')
    if last and string.sub(last, -#tail) == tail then lines = head end
    call('HSET', key, 'tl', lines .. m[1] .. ',' .. at_ms .. tail)
    if m[1] == 'sending' then rewritten(id) end
end

-- Evidence about a message whose lane waits (uncertain, or to be tried again) decides it, and the lane
-- goes on. While a worker holds the lease, its own completion does that.
local function status(id, state, at_ms, detail, attempt)
    local moved, from = move(id, state, at_ms .. ',' .. detail, attempt)
    if moved == 'moved' and from < DECIDED then
        local at = message(id, 'q', 'l')
        local queue, lane = at[1], at[2]
        if queue and not lease_of(queue, lane) then
            local list = end_of(queue, lane)
            if call('LINDEX', list, '0') == id then
                call('LPOP', list)
                if make_ready(queue, lane, now_ms) then touched[queue] = true end
            end
        end
    end
    return moved
end
