-- retain_fields: drops fields of a HASH whose number is below `before`. ARGV key cursor count before
-- Returns {next cursor, how many are gone}
local found, gone = call('HSCAN', P .. ARGV[1], ARGV[2], 'COUNT', ARGV[3]), {}
for i = 1, #found[2], 2 do
    if (tonumber(found[2][i + 1]) or math.huge) < tonumber(ARGV[4]) then gone[#gone + 1] = found[2][i] end
end
for i = 1, #gone, 2000 do call('HDEL', P .. ARGV[1], unpack(gone, i, math.min(i + 1999, #gone))) end
return {found[1], #gone}
