-- people: those a matter wants, with their documents, each once: named, of teams, of sites, with a role.
-- ARGV most ref order nids id... nkeys key...   keys: indexes of ids ("ut:<team>", "us:<site>", "ur:<role>")
-- Returns {matter doc, order doc, how many there are, {id, version, body}...}
local most, ref, order = tonumber(ARGV[1]), ARGV[2], ARGV[3]
local seen, ids, all = {}, {}, 0
local function add(id)
    if seen[id] then return end
    seen[id] = true
    all = all + 1
    if all <= most then ids[all] = id end
end
local at = 5
for i = at, at + ARGV[4] - 1 do add(ARGV[i]) end
at = at + ARGV[4]
for i = at + 1, at + ARGV[at] do
    for _, id in ipairs(call('ZRANGE', P .. ARGV[i], '0', most)) do add(id) end
end
local out = {
    call('HMGET', P .. 'y:' .. ref, 'v', 'b'),
    order ~= '' and call('HMGET', P .. 'o:' .. order, 'v', 'b') or {false, false},
    all,
}
for i, id in ipairs(ids) do
    local doc = call('HMGET', P .. 'u:' .. id, 'v', 'b')
    out[3 + i] = {id, doc[1], doc[2]}
end
return out
