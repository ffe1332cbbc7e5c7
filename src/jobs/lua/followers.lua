-- followers: the next of those who are in any of the sets, by their ids. Reads only.
-- ARGV item after limit set...   after: '': behind whom the inbound item keeps, if anybody
-- Returns for each set its next
local after, out = ARGV[2], {}
if after == '' then after = call('HGET', P .. 'i:' .. ARGV[1], 'fo') or '' end
for i = 4, #ARGV do
    out[i - 3] = call('ZRANGEBYLEX', P .. ARGV[i], after == '' and '-' or '(' .. after, '+', 'LIMIT', 0, ARGV[3])
end
return out
