-- people: those a matter wants, with their documents, each once: named, of teams, of sites, with a role.
-- ARGV most ref order sliced after team nids id... nkeys key...
--   keys: indexes of ids ("ut:<team>", "us:<site>", "ur:<role>"), all of them scored alike
--   sliced '1': the next by id behind `after`; else any, those named first
--   team: whose group is asked about, or ''
-- Returns {matter doc, order doc, how many there are (of the slice: more than most when others follow),
--   {field, value, ...of the group}, {id, version, body}...}
local most, ref, order, sliced, after = tonumber(ARGV[1]), ARGV[2], ARGV[3], ARGV[4] == '1', ARGV[5]
local team = ARGV[6]
local seen, ids, all = {}, {}, 0
local function before(x, y) -- by bytes, as the indexes are: the order of Lua is that of the locale
    for i = 1, math.min(#x, #y) do
        local a, b = string.byte(x, i), string.byte(y, i)
        if a ~= b then return a < b end
    end
    return #x < #y
end
local function add(id)
    if seen[id] or (sliced and not before(after, id)) then return end
    seen[id] = true
    all = all + 1
    if sliced or all <= most then ids[all] = id end
end
local at = 8
for i = at, at + ARGV[7] - 1 do add(ARGV[i]) end
at = at + ARGV[7]
for i = at + 1, at + ARGV[at] do
    local found
    if sliced then
        found = call('ZRANGEBYLEX', P .. ARGV[i], after == '' and '-' or '(' .. after, '+', 'LIMIT', '0', most + 1)
    else
        found = call('ZRANGE', P .. ARGV[i], '0', most)
    end
    for _, id in ipairs(found) do add(id) end
end
if sliced then
    table.sort(ids, before)
    for i = #ids, most + 1, -1 do ids[i] = nil end
end
local out = {
    call('HMGET', P .. 'y:' .. ref, 'v', 'b'),
    order ~= '' and call('HMGET', P .. 'o:' .. order, 'v', 'b') or {false, false},
    all,
    team ~= '' and call('HGETALL', P .. 'gr:' .. team) or {},
}
for i, id in ipairs(ids) do
    local doc = call('HMGET', P .. 'u:' .. id, 'v', 'b')
    out[4 + i] = {id, doc[1], doc[2]}
end
return out
