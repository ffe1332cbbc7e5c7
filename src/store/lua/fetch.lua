-- fetch: documents by key, in one round trip. ARGV keys; returns {version or false, body or false} each.
local out = {}
for i, key in ipairs(ARGV) do out[i] = call('HMGET', P .. key, 'v', 'b') end
return out
