-- person: all that a decision about one person needs, in one round trip; see include/domain/view.h.
-- Rows of ARGV user phone_hash bsuid_hash typed_reversed order quoted_hash limit since_ms matter asset training, for each
-- {user, doc, conversation doc, quoted message, completed since (ms)..., open, supervisor, doc, orders, person,
-- broadcast quoted, broadcasts that asked last: is he safe, to confirm (and he has not), matters, asset,
-- training kept, if asked for}
--   doc = {version, body}, the conversation's with its numbered options behind; orders = {id, version, body, flags}...,
--   matters = {ref, version, body, flags}...
local ASSIGNED, TEAM, SITE, NAMED, QUOTED, LAST = 1, 2, 4, 8, 16, 32
local ASKED, OF_ORDER = 1, 64 -- flags of matters; NAMED, QUOTED as above
local A, WIDTH = ARGV, 11
local upto = int(A[7] - 1) -- the limit is the same in each row

-- The people behind all the numbers at once.
local hashes, known = {}, {}
for at = 1, #A, WIDTH do
    if A[at] == '' and A[at + 1] ~= '' then hashes[#hashes + 1] = A[at + 1] end
end
if #hashes > 0 then
    local found = call('HMGET', P .. 'ux', unpack(hashes))
    for i = 1, #hashes do known[hashes[i]] = found[i] end
end

-- And what broadcasts have asked of them: who has not been asked anything, which is nearly everybody,
-- costs no call of his own.
local fields, asked = {}, {}
for at = 1, #A, WIDTH do
    local user = A[at] ~= '' and A[at] or known[A[at + 1]]
    if user then
        fields[#fields + 1], fields[#fields + 2], fields[#fields + 3] = user .. '|s', user .. '|a', user .. '|y'
    end
end
if #fields > 0 then
    local found = call('HMGET', P .. 'bq', unpack(fields))
    for i = 1, #fields do asked[fields[i]] = found[i] end
end
local function asked_of(user, what)
    local field = user .. what
    if asked[field] == nil then asked[field] = call('HGET', P .. 'bq', field) end
    return asked[field] or ''
end

local function view(user, phone, bsuid, typed, named, quote, limit, since, matter, asset, training)
    if user == '' and phone ~= '' then user = known[phone] or '' end
    if user == '' and bsuid ~= '' then user = call('HGET', P .. 'ux', bsuid) or '' end

    local order, flags = {}, {}
    local function add(id, flag)
        if not flags[id] then
            order[#order + 1] = id
            flags[id] = flag
        elseif math.floor(flags[id] / flag) % 2 == 0 then
            flags[id] = flags[id] + flag
        end
    end

    local quoted, of = '', ''
    local matters = {} -- ref -> flags
    if quote ~= '' then
        quoted = message_of(quote) or ''
        local about = quoted ~= '' and fields_of(quoted, 'o', 'br', 'mt') or {}
        if about[1] and about[1] ~= '' then add(about[1], QUOTED) end
        of = about[2] or ''
        if about[3] then matters[about[3]] = QUOTED end
    end
    if named ~= '' then add(named, NAMED) end
    if typed ~= '' then
        for _, hit in ipairs(call('ZRANGEBYLEX', P .. 'onr', '[' .. typed, '(' .. typed .. '\255', 'LIMIT', '0', limit)) do
            add(string.sub(hit, string.find(hit, '|', 1, true) + 1), NAMED)
        end
    end

    -- A stranger has a conversation too (one polite answer a day), under the hash of his address.
    if user == '' then
        local person = '~' .. (phone ~= '' and phone or bsuid)
        local c = call('HMGET', P .. 'c:' .. person, 'v', 'b')
        return {'', {false, false}, c, quoted, {}, 0, '', {false, false}, order, flags, person, of, '', '', {}, '', {}}
    end

    local u = call('HMGET', P .. 'u:' .. user, 'v', 'b', 'te', 'si', 'su')
    local c = call('HMGET', P .. 'c:' .. user, 'v', 'b', 'lo', 'op', 'om', 'oo')
    -- Of a number that stands for a tap nobody knows here what it names: that which its options were of.
    if c[4] and c[5] and c[5] ~= '' then matters[c[5]] = matters[c[5]] or 0 end
    for id in string.gmatch(c[4] and c[6] or '', '[^\n]+') do
        if not flags[id] then
            order[#order + 1] = id
            flags[id] = 0
        end
    end
    -- Of a list that waits for him the order tells whether it is still his.
    for id in string.gmatch('\n' .. asked_of(user, '|y'), '\no:([^\n]+)') do
        if not flags[id] then
            order[#order + 1] = id
            flags[id] = 0
        end
    end
    if c[3] and c[3] ~= '' then add(c[3], LAST) end
    local assigned = call('ZRANGE', P .. 'oa:' .. user, '0', upto)
    local open = #assigned
    for i = 1, open do add(assigned[i], ASSIGNED) end
    if open == tonumber(limit) then open = call('ZCARD', P .. 'oa:' .. user) end
    if u[3] then
        for team in string.gmatch(u[3], '[^\n]+') do
            for _, id in ipairs(call('ZRANGE', P .. 'og:' .. team, '0', upto)) do add(id, TEAM) end
        end
    end
    if u[4] and u[4] ~= '' then
        for _, id in ipairs(call('ZRANGE', P .. 'os:' .. u[4], '0', upto)) do add(id, SITE) end
    end
    -- Of an order the newest entry counts: completed then, or reopened since.
    local completed = {}
    local done, seen = call('LRANGE', P .. 'oc:' .. user, '0', '-1'), {}
    for i = #done, 1, -1 do
        local at, id = string.match(done[i], '^(%d+)|(.*)$')
        if not seen[id] and tonumber(at) >= tonumber(since) then completed[#completed + 1] = at end
        seen[id] = true
    end
    local ack = asked_of(user, '|a')
    if ack ~= '' and call('HEXISTS', P .. 'ba:' .. ack, user) == 1 then ack = '' end
    local supervisor, supervisor_doc = u[5] or '', {false, false}
    if supervisor ~= '' then supervisor_doc = call('HMGET', P .. 'u:' .. supervisor, 'v', 'b') end
    if matter ~= '' then matters[matter] = (matters[matter] or 0) + NAMED end
    local refs = {}
    for ref in string.gmatch(asked_of(user, '|y'), '[^\n]+') do
        refs[#refs + 1] = ref
        matters[ref] = (matters[ref] or 0) + ASKED
    end
    for ref, flag in pairs(matters) do
        if flag % 2 == 0 then refs[#refs + 1] = ref end
    end
    local about = {}
    for _, ref in ipairs(refs) do
        local doc, n = call('HMGET', P .. 'y:' .. ref, 'v', 'b'), #about
        if doc[2] then about[n + 1], about[n + 2], about[n + 3], about[n + 4] = ref, doc[1], doc[2], matters[ref] end
    end
    return {user, {u[1], u[2]}, {c[1], c[2], c[4]}, quoted, completed, open, supervisor, supervisor_doc,
        order, flags, user, of, asked_of(user, '|s'), ack, about,
        asset ~= '' and call('HGET', P .. 'as', asset) or '',
        training ~= '' and call('LRANGE', P .. 'tr', '0', '-1') or {}}
end

-- The round of an order's checklist, unless it is there already.
local function add_round(about, ref)
    for i = 1, #about, 4 do
        if about[i] == ref then return end
    end
    local doc, n = call('HMGET', P .. 'y:' .. ref, 'v', 'b'), #about
    if doc[2] then about[n + 1], about[n + 2], about[n + 3], about[n + 4] = ref, doc[1], doc[2], OF_ORDER end
end

local out = {}
for at = 1, #A, WIDTH do
    local v = view(unpack(A, at, at + WIDTH - 1))
    local order, flags, orders = v[9], v[10], {}
    for i = 1, #order do
        local o = call('HMGET', P .. 'o:' .. order[i], 'v', 'b', 'ck')
        if o[2] then
            local n = #orders
            orders[n + 1], orders[n + 2], orders[n + 3], orders[n + 4] = order[i], o[1], o[2], flags[order[i]]
            if o[3] then add_round(v[15], 'o:' .. order[i]) end
        end
    end
    table.remove(v, 10)
    v[9] = orders
    out[#out + 1] = v
end
return out
