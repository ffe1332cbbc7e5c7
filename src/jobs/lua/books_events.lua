-- books_events: a piece of the events for the CMMS, looked at for the books. Reads only.
-- ARGV from count   Returns {last sequence given, last one dropped for its age, {sequence, posted, settled, body}...}
--   posted: 1 if it is a callback; settled: 1 when the CMMS took or refused it
local out = {call('GET', P .. 'seq') or '0', call('GET', P .. 'evt') or '0'}
for i, entry in ipairs(call('XRANGE', P .. 'ev', ARGV[1], '+', 'COUNT', ARGV[2])) do
    local seq, fields = string.match(entry[1], '^%d+'), entry[2]
    local settled = call('GETBIT', P .. 'es:' .. math.floor(seq / 65536), seq % 65536)
    out[i + 2] = {seq, fields[3] == 'c' and 1 or 0, settled, fields[2]}
end
return out
