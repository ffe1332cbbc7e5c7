-- told: ids of messages to a person, the newest first: those of his index mu:<person>, and those of broadcasts' first
-- rounds, which only bm:<broadcast> names (include/domain/broadcast.h). They begin with the time at which it began, and bx
-- is in that order, so few broadcasts are looked at. It stands before each script that wants it (meson.build).
local LOOK = 300 -- broadcasts a call: each costs a HGET
local DIGITS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

-- The time (ms) that an id, or a bound of ids, begins with; `otherwise` when it tells none.
local function time_of(text, otherwise)
    local stem, ms = string.match(text, '^[%[(]?(%w%w%w%w%w%w%w%w%w%w)'), 0
    for digit in string.gmatch(stem or '', '.') do
        local value = string.find(DIGITS, digit, 1, true)
        if not value then return otherwise end
        ms = ms * 32 + value - 1
    end
    return stem and ms or otherwise
end

-- The first of all ids of that time: nothing has it.
local NOBODY = '0000000000000000'
local function first_of(ms)
    local stem = ''
    for _ = 1, 10 do
        stem = string.sub(DIGITS, ms % 32 + 1, ms % 32 + 1) .. stem
        ms = math.floor(ms / 32)
    end
    return stem .. NOBODY
end

local function score_of(ms)
    return ms == math.huge and '+inf' or ms == -math.huge and '-inf' or int(ms)
end

-- Broadcasts of between two times, the newest first, each with its time: {id, ms, ...}; and, when these are not
-- all, the time of the last: all of that time are among them.
local function broadcasts(newest, oldest)
    local found = call('ZREVRANGEBYSCORE', P .. 'bx', newest, oldest, 'WITHSCORES', 'LIMIT', '0', LOOK)
    if #found < 2 * LOOK then return found end
    local last = found[#found]
    for _, id in ipairs(call('ZRANGEBYSCORE', P .. 'bx', last, last)) do
        found[#found + 1], found[#found + 2] = id, last
    end
    return found, tonumber(last)
end

local function within(id, from, to)
    local high, low = string.sub(from, 2), string.sub(to, 2)
    return (from == '+' or id < high or id == high and string.sub(from, 1, 1) == '[')
        and (to == '-' or id > low or id == low and string.sub(to, 1, 1) == '[')
end

-- At most `most` ids from `from` down to `to`, bounds as ZREVRANGEBYLEX takes them, and the place to go on behind
-- ("": this is the end), in the form of an id. There may be fewer than `most`, or none, and yet more behind.
local function told(person, from, to, most)
    local ids = call('ZREVRANGEBYLEX', P .. 'mu:' .. person, from, to, 'LIMIT', '0', most)
    local full = #ids == most
    local first = call('ZRANGE', P .. 'mx', '0', '0')[1] -- no message is older
    if first and from ~= '-' then
        local oldest = math.max(time_of(to, -math.huge), time_of(first, -math.huge),
            full and time_of(ids[most], -math.huge) or -math.huge)
        local newest = score_of(time_of(from, math.huge))
        if string.sub(from, 12) == NOBODY then newest = '(' .. newest end -- the place of a page before
        local found, last = broadcasts(newest, score_of(oldest))
        for i = 1, #found, 2 do
            local id = call('HGET', P .. 'bm:' .. found[i], person)
            -- One of another round is in mu, too: here or on its own page.
            if id and within(id, from, to) and is_there(id) then ids[#ids + 1] = id end
        end
        table.sort(ids, function(a, b) return a > b end)
        local out, looked = {}, last and first_of(last) or ''
        for _, id in ipairs(ids) do
            if id < looked then break end -- between it and these there may be others
            if id ~= out[#out] then
                if #out == most then return out, out[most] end
                out[#out + 1] = id
            end
        end
        return out, full and #out == most and out[most] or looked
    end
    return ids, full and ids[most] or ''
end
