-- failover: what decides whether a message is said again by another way. ARGV message, then senders.
-- Returns {body, state, timeline, said again as, stays with its sender, held until he writes, broadcast, its state,
--   {paused since ms, his last word ms, rests until ms, his lane waits for the people of its day}...},
--   a row a sender, 0 where there is none; nothing when the message is gone
local m = fields_of(ARGV[1], 'b', 's', 'tl', 'fb', 'st', 'u', 'q', 'l', 'br')
if not m[1] then return false end
local out = {m[1], m[2], m[3] or '', m[4] or '', m[5] or '',
    m[7] and call('ZSCORE', P .. 'hx', m[7] .. '\n' .. m[8] .. '\n' .. ARGV[1]) or '',
    m[9] or '', m[9] and call('HGET', P .. 'b:' .. m[9], 'st') or ''}
for i = 2, #ARGV do
    local s = call('HMGET', P .. 'sn:' .. ARGV[i], 'paused', 'rest')
    local said = call('HGET', P .. 'w:' .. ARGV[i], person_of(m[6], m[8]) or '')
    local waits = m[8] and call('SISMEMBER', P .. 'dw:' .. string.sub(m[8], 2) .. ':' .. ARGV[i], m[7] .. '\n' .. m[8])
    out[#out + 1] = {s[1] or '0', said or '0', s[2] or '0', waits or 0}
end
return out
