-- books_again: what did not balance while work went on, looked at once more. Reads only.
-- ARGV queue id...   Returns for each 1 while it is in none of the places where it may end, else 0
local queue, out = ARGV[1], {}
for i = 2, #ARGV do
    local id = ARGV[i]
    local over
    if queue == 'in' then
        over = call('EXISTS', P .. 'i:' .. id) == 0
    else
        over = call('GETBIT', P .. 'es:' .. math.floor(id / 65536), id % 65536) == 1
    end
    out[i - 1] = (over or call('ZSCORE', P .. 'dl', queue .. ':' .. id)) and 0 or 1
end
return out
