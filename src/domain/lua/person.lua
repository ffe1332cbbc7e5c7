-- person: all that a decision about one person needs, in one round trip; see include/domain/view.h.
-- ARGV user phone_hash bsuid_hash typed_reversed order quoted_hash limit today_ms
-- Returns {user, doc, conversation doc, quoted message, completed, open, supervisor, doc, orders, person}
--   doc = {version, body}, the conversation's with its numbered options behind; orders = {id, version, body, flags}...
local ASSIGNED, TEAM, SITE, NAMED, QUOTED, LAST = 1, 2, 4, 8, 16, 32
local user, limit = ARGV[1], tonumber(ARGV[7])
if user == '' and ARGV[2] ~= '' then user = call('HGET', P .. 'ux', ARGV[2]) or '' end
if user == '' and ARGV[3] ~= '' then user = call('HGET', P .. 'ux', ARGV[3]) or '' end

local order, flags = {}, {}
local function add(id, flag)
    if not flags[id] then
        order[#order + 1] = id
        flags[id] = flag
    elseif math.floor(flags[id] / flag) % 2 == 0 then
        flags[id] = flags[id] + flag
    end
end

local quoted = ''
if ARGV[6] ~= '' then
    quoted = message_of(ARGV[6]) or ''
    local about = quoted ~= '' and call('HGET', P .. 'm:' .. quoted, 'o')
    if about and about ~= '' then add(about, QUOTED) end
end
if ARGV[5] ~= '' then add(ARGV[5], NAMED) end
if ARGV[4] ~= '' then
    for _, hit in ipairs(call('ZRANGEBYLEX', P .. 'onr', '[' .. ARGV[4], '(' .. ARGV[4] .. '\255', 'LIMIT', 0, limit)) do
        add(string.sub(hit, string.find(hit, '|', 1, true) + 1), NAMED)
    end
end

local doc, conversation, supervisor, supervisor_doc = {false, false}, {false, false}, '', {false, false}
local completed, open = 0, 0
-- A stranger has a conversation too (one polite answer a day), under the hash of his address.
local person = user
if user == '' then
    person = '~' .. (ARGV[2] ~= '' and ARGV[2] or ARGV[3])
    conversation = call('HMGET', P .. 'c:' .. person, 'v', 'b')
end
if user ~= '' then
    local u = call('HMGET', P .. 'u:' .. user, 'v', 'b', 'te', 'si', 'su')
    doc = {u[1], u[2]}
    local c = call('HMGET', P .. 'c:' .. user, 'v', 'b', 'lo', 'op')
    conversation = {c[1], c[2], c[4]}
    if c[3] and c[3] ~= '' then add(c[3], LAST) end
    for _, id in ipairs(call('ZRANGE', P .. 'oa:' .. user, 0, limit - 1)) do add(id, ASSIGNED) end
    open = call('ZCARD', P .. 'oa:' .. user)
    if u[3] then
        for team in string.gmatch(u[3], '[^\n]+') do
            for _, id in ipairs(call('ZRANGE', P .. 'og:' .. team, 0, limit - 1)) do add(id, TEAM) end
        end
    end
    if u[4] and u[4] ~= '' then
        for _, id in ipairs(call('ZRANGE', P .. 'os:' .. u[4], 0, limit - 1)) do add(id, SITE) end
    end
    -- Of an order the newest entry counts: completed then, or reopened since.
    local done, today, seen = call('LRANGE', P .. 'oc:' .. user, 0, -1), tonumber(ARGV[8]), {}
    for i = #done, 1, -1 do
        local at, id = string.match(done[i], '^(%d+)|(.*)$')
        if not seen[id] and tonumber(at) >= today then completed = completed + 1 end
        seen[id] = true
    end
    if u[5] and u[5] ~= '' then
        supervisor = u[5]
        supervisor_doc = call('HMGET', P .. 'u:' .. supervisor, 'v', 'b')
    end
end
local orders = {}
for _, id in ipairs(order) do
    local o = call('HMGET', P .. 'o:' .. id, 'v', 'b')
    if o[2] then
        local n = #orders
        orders[n + 1], orders[n + 2], orders[n + 3], orders[n + 4] = id, o[1], o[2], flags[id]
    end
end
return {user, doc, conversation, quoted, completed, open, supervisor, supervisor_doc, orders, person}
